// The option `concurrency`: what it makes, and what is refused.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { TaskError } from '../error.ts';
import { type ConcurrencyOptions, WHEN_BUSY } from './concurrency.ts';
import { defineTask } from './definition.ts';

const input = z.object({ id: z.string() });
const define = (concurrency: unknown) =>
  defineTask({ name: 'export', input, concurrency: concurrency as ConcurrencyOptions<{ id: string }> }).concurrency;
const keyOf = (key: unknown, owner = 'ada') => define({ key })?.keyOf({ id: 'x' }, owner);

describe('concurrency', () => {
  it('is one at a time, and the next one waits, unless the definition says otherwise', () => {
    expect(define({ key: () => 'k' })).toMatchObject({ limit: 1, whenBusy: 'wait' });
    expect(define({ key: () => 'k', limit: 3, whenBusy: 'join' })).toMatchObject({ limit: 3, whenBusy: 'join' });
    expect(defineTask({ name: 'export', input }).concurrency).toBeNull();
  });

  it('has keys that all owners share with `wait` and `refuse`, and keys of each owner with `join` and `replace`', () => {
    const isShared = WHEN_BUSY.map((whenBusy) => {
      const made = define({ key: ({ id }: { id: string }) => id, whenBusy });
      return made?.keyOf({ id: 'x' }, 'ada') === made?.keyOf({ id: 'x' }, 'bob');
    });
    expect(Object.fromEntries(WHEN_BUSY.map((name, n) => [name, isShared[n]]))).toEqual({
      wait: true,
      join: false,
      replace: false,
      refuse: true,
    });
    expect(keyOf((_: unknown, owner: string) => owner)).not.toBe(keyOf((_: unknown, owner: string) => owner, 'bob'));
  });

  it.each<[unknown, string]>([
    [7, ": expected an object like { key: (input) => input.id, whenBusy: 'wait' }, got 7."],
    [null, ': expected an object like'],
    [{ key: () => 'k', max: 1 }, '.max is not known; there are key, limit and whenBusy.'],
    [{ key: 'k' }, '.key must be a function that makes a text of the input and the owner, got "k".'],
    [{}, '.key must be a function'],
    [{ key: () => 'k', limit: 0 }, '.limit must be a whole number from 1 to 100, got 0.'],
    [{ key: () => 'k', limit: 101 }, '.limit must be'],
    [{ key: () => 'k', whenBusy: 'queue' }, ".whenBusy must be 'wait', 'join', 'replace' or 'refuse', got \"queue\"."],
  ])('%j is refused', (options, message) => {
    expect(() => define(options)).toThrow(`defineTask("export"): concurrency${message}`);
    expect(() => define(options)).toThrow(expect.objectContaining({ code: 'invalid_definition' }));
  });

  it.each<[unknown, string]>([
    [() => undefined, 'undefined'],
    [() => '', '""'],
    [() => 7, '7'],
    [async () => 'k', 'a promise'],
    [() => 'k'.repeat(1_025), '"k'],
  ])('a key must be a text: %s', (key, got) => {
    expect(() => keyOf(key)).toThrow(
      `defineTask("export"): concurrency.key must return a text of 1 to 1024 characters, got ${got}`,
    );
    // As stored: the key in quotation marks and brackets.
    expect(keyOf(() => 'k'.repeat(1_024))).toHaveLength(1_028);
  });

  it('throws what the function throws', () => {
    const refusal = new TaskError('no_account', 'You have no account.', { status: 422 });
    expect(() =>
      keyOf(() => {
        throw refusal;
      }),
    ).toThrow(refusal);
  });
});
