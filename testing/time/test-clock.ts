/** The clock of a test. A handler that waits by this clock takes no real time. It serves adopters' tests. */

import { type Duration, toMilliseconds } from '../../core/values/duration.ts';
import { FakeTime } from './fake-time.ts';

/** What the clock shows when a test begins, unless told. */
const DEFAULT_START = '2026-01-01T00:00:00.000Z';

/** A clock that stands still until a test moves it. */
export interface TestClock {
  /** The time of day, in ms since 1970. As `Date.now`. */
  now(): number;
  /**
   * As `setTimeout` of `node:timers/promises`, by this clock: while a handler waits for nothing else, the time jumps to the end
   * of the wait. Rejects with the signal's reason when it aborts.
   */
  readonly sleep: <T = void>(ms?: Duration, value?: T, options?: { readonly signal?: AbortSignal }) => Promise<T>;
  /** Moves the clock on, and wakes who sleeps until then. For the time between two requests, say. */
  advance(duration: Duration): Promise<void>;
}

const times = new WeakMap<TestClock, FakeTime>();

/**
 * Makes a clock for `runTask` or `createMemoryBackend`, and for the handler.
 *
 * @param start what it shows at first: a text that `Date` understands. Default 2026-01-01, 0:00 UTC
 * @example
 * const clock = createTestClock();
 * const run = await runTask(sendLetters, createSendLetters({ sleep: clock.sleep }), input, { clock });
 */
export function createTestClock(start: string | Date = DEFAULT_START): TestClock {
  const time = new FakeTime();
  const began = new Date(start).getTime();
  const clock: TestClock = {
    now: () => Math.round(began + time.elapsed()),
    sleep: async (ms = 1, value, { signal } = {}) => {
      await time.awaitedDelay(ms === 0 ? 0 : toMilliseconds(ms, 'sleep'), 'asleep', signal);
      signal?.throwIfAborted();
      return value as never;
    },
    advance: (duration) => time.advance(toMilliseconds(duration, 'advance')),
  };
  times.set(clock, time);
  return clock;
}

/** The time behind a clock; undefined if {@link createTestClock} did not make it. @internal */
export function timeOf(clock: TestClock): FakeTime | undefined {
  return times.get(clock);
}
