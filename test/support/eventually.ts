// Waits for a state instead of sleeping. For every test of something that happens in another process or later.
import { setTimeout as delay } from 'node:timers/promises';

/** How `eventually` waits. */
export interface EventuallyOptions {
  /** Milliseconds after which it gives up. Default 10,000: less than the 15 s after which a page without messages fetches by itself. */
  within?: number;
  /** Milliseconds between two calls. Default 20. */
  every?: number;
  /** What is awaited, for the error. */
  that?: string;
}

/** The truthy values of a type. */
type Truthy<T> = Exclude<T, false | null | undefined | 0 | ''>;

/** `void` by another name: Biome's `noConfusingVoidType` forbids the keyword in a conditional type. */
type Nothing = ReturnType<() => void>;

/**
 * Whether `undefined` could mean "not yet" as well as "all expectations hold". While an asynchronous `look` waits, other tests of
 * the file may call `expect`, so the two cannot be told apart: `find(…)` needs a `?? null` there.
 */
type IsAmbiguous<T> =
  T extends PromiseLike<infer R> ? (undefined extends R ? ([R] extends [Nothing] ? false : true) : false) : false;

/**
 * Calls `look` until it returns something truthy, and returns that; or until the expectations in it hold. Throwing (as
 * `expect` does) counts as "not yet".
 *
 * @example await eventually(() => expect(tray.text).toBe('Done'))
 * @example const message = await eventually(() => messages.find(({ event }) => event === 'task.failed'))
 * @throws after `within` ms: the last error of `look`, or what it last returned
 */
export async function eventually<T>(
  look: () => T,
  ...[given]: true extends IsAmbiguous<T> ? ['Return null instead of undefined'] : [options?: EventuallyOptions]
): Promise<Truthy<Awaited<T>>> {
  const { within = 10_000, every = 20, that = 'the condition' } = (given ?? {}) as EventuallyOptions;
  const started = Date.now();
  for (;;) {
    let last: { value: unknown } | { error: unknown };
    const expectations = countExpectations();
    try {
      const value = await look();
      if (value) return value as Truthy<Awaited<T>>;
      // undefined is what a find() without a match returns, but also a block of expectations that all hold.
      if (value === undefined && countExpectations() > expectations) return value as Truthy<Awaited<T>>;
      last = { value };
    } catch (error) {
      last = { error };
    }
    if (Date.now() - started >= within) throw describeFailure(last, that, within);
    await delay(every);
  }
}

/** Jest's `expect`. Scripts that use this file run without it. */
const { expect } = globalThis as { expect?: { getState(): { assertionCalls: number } } };
const countExpectations = (): number => expect?.getState().assertionCalls ?? 0;

function describeFailure(last: { value: unknown } | { error: unknown }, that: string, within: number): Error {
  if ('value' in last) return new Error(`Waited ${within} ms for ${that}; last seen: ${JSON.stringify(last.value)}`);
  const { error } = last;
  if (!(error instanceof Error)) return new Error(`Waited ${within} ms for ${that}; last error: ${String(error)}`);
  error.message = `Waited ${within} ms for ${that}; last error: ${error.message}`;
  return error;
}
