/** Waiting, with an end. */

import { startTimer } from './timer.ts';

/** What was waited for did not come in time. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * What `work` resolves to, or a {@link DeadlineError} once `ms` have passed. The work itself goes on. An answer that
 * came in time counts as such, even where this process was too busy to look at it in time.
 */
export function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  // By hand, since this is around every call to Redis and a race costs twice as much.
  return new Promise((resolve, reject) => {
    const expire = () => reject(new DeadlineError(`no answer within ${ms} ms`));
    // After a busy spell timers come first; what has arrived is read next, and only then is it late.
    const timer = startTimer(() => setImmediate(expire), ms);
    work.then(
      (value) => {
        timer.stop();
        resolve(value);
      },
      (error) => {
        timer.stop();
        reject(error);
      },
    );
  });
}

/** Resolves after `ms`, or at once when `signal` aborts. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      timer.stop();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = startTimer(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Resolves when `signal` aborts; at once where it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
