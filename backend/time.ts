/**
 * Timers and elapsed time, as a port: code that waits or measures gets a `Time`, so that its tests can move the time and
 * need not wait. `clock.ts` has the time of day.
 */

import { delay, runOutside, withDeadline } from './async.ts';

export interface Time {
  /** Milliseconds on a clock that never goes back. Only differences mean something. */
  elapsed(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  delay(ms: number, signal?: AbortSignal): Promise<void>;
  /** What `work` resolves to. @throws DeadlineError if that takes longer than `ms`; the work itself goes on */
  within<T>(work: Promise<T>, ms: number): Promise<T>;
  /**
   * Calls `run` every `ms` until the returned function is called. `run` is called outside of the caller's request or attempt
   * (`runOutside` in async.ts).
   */
  every(ms: number, run: () => void): () => void;
}

/** The time of this process. */
export const systemTime: Time = {
  elapsed: () => performance.now(),
  delay,
  within: withDeadline,
  every(ms, run) {
    const timer = runOutside(() => setInterval(run, ms));
    return () => clearInterval(timer);
  },
};
