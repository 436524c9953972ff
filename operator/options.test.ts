import { describe, expect, it } from '@jest/globals';
import { createMemoryBackend } from '../testing/backend/memory-backend.ts';
import { createOperator } from './create-operator.ts';
import { type OperatorOptions, readAllowed } from './options.ts';

describe('createOperator', () => {
  it.each([
    ['without options', undefined, /expected options like/],
    ['without a backend', { tasks: [], allow: () => null }, /backend must be what createBackend gives/],
    [
      'with a backend in memory',
      { backend: createMemoryBackend(), tasks: [], allow: () => null },
      /the page needs Redis/,
    ],
    ['without allow', { backend: { redis: { send: () => null } }, tasks: [] }, /allow must be a function/],
  ])('%s says what it expects', (_what, options, message) => {
    expect(() => createOperator(options as unknown as OperatorOptions)).toThrow(message);
  });
});

describe('what allow gives', () => {
  it('is nobody, a role, or a role and a name', () => {
    expect(readAllowed(null)).toBeNull();
    expect(readAllowed(undefined)).toBeNull();
    expect(readAllowed('view')).toEqual({ role: 'view', who: null });
    expect(readAllowed({ role: 'act', who: 'grace' })).toEqual({ role: 'act', who: 'grace' });
  });

  it.each([true, 'admin', {}, { role: 'act' }, { role: 'admin', who: 'grace' }])(
    'is never taken for a yes: %j',
    (given) => {
      expect(() => readAllowed(given)).toThrow(/allow must give/);
    },
  );
});
