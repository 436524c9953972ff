import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '../config-error.ts';
import { asTaskError, TaskError } from '../error.ts';
import { requireOption, wholeNumber, wholeNumbers } from './options.ts';

describe('an option that is wrong', () => {
  it('is named in the error, with what was expected and what came', () => {
    expect(() => requireOption(false, 'createBackend: prefix', 'a text', 7)).toThrow(
      new ConfigError('invalid_options', 'createBackend: prefix must be a text, got 7.'),
    );
    requireOption(true, 'createBackend: prefix', 'a text', 'inloop:');
  });

  it('gives an error whose text no owner of a task sees, and that says not to try again', () => {
    const error = new ConfigError('invalid_options', 'createBackend: prefix must be a text, got 7.');
    expect(error).not.toBeInstanceOf(TaskError);
    expect(asTaskError(error)).toMatchObject({ code: 'internal', retryable: false, cause: error });
    expect(asTaskError(error).message).not.toContain('prefix');
  });
});

describe('a whole number', () => {
  const range = { default: 5, min: 1, max: 10 };

  it.each([
    [undefined, 5],
    [1, 1],
    [10, 10],
  ])('%p is %p', (given, expected) => {
    expect(wholeNumber('x', given, range)).toBe(expected);
  });

  it.each([0, 11, 2.5, Number.NaN, '5'])('%p is refused', (given) => {
    expect(() => wholeNumber('x', given as number, range)).toThrow('x must be a whole number from 1 to 10, got ');
  });
});

describe('limits', () => {
  const ranges = { rate: { default: 5, min: 1, max: 10 }, size: { default: 2, min: 0, max: 3 } };

  it('are filled in', () => {
    expect(wholeNumbers('f: limits', { size: 0 }, ranges)).toEqual({ rate: 5, size: 0 });
  });

  it('are named in the error if they are wrong or not known', () => {
    expect(() => wholeNumbers('f: limits', { size: 4 }, ranges)).toThrow(
      'f: limits.size must be a whole number from 0 to 3, got 4.',
    );
    expect(() => wholeNumbers('f: limits', { constructor: 1 } as never, ranges)).toThrow(
      'f: limits.constructor is not known; there are rate, size.',
    );
  });
});
