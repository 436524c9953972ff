/**
 * Waits with a deadline, for a time, or for a signal. `runOutside` is for work that serves many tasks. This file serves
 * backend, server and worker.
 */

import { AsyncResource } from 'node:async_hooks';
import { startTimer } from './timer.ts';

/** There was no answer in time. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Settles as `work` does, or rejects with a {@link DeadlineError} after `ms`. The work itself goes on. An answer that arrived
 * in time counts, even if this process was too busy to read it in time.
 */
export function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  // Not by Promise.race(), which costs twice as much: this is around every call to Redis.
  return new Promise((resolve, reject) => {
    const expire = () => reject(new DeadlineError(`no answer within ${ms} ms`));
    // When the event loop was blocked, timers fire before arrived data is read. `setImmediate` runs after the reading, so an
    // answer that has arrived still counts.
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

/** Made when the process started, outside of all requests and tasks. */
const root = new AsyncResource('inloop');

/**
 * Calls `run` outside of the request or attempt that the caller belongs to. It is for work that one task begins and that serves
 * many tasks. An application may keep a trace or a request's id in an `AsyncLocalStorage`. Without this function, the trace of
 * the first task would be that of all the others.
 */
export function runOutside<T>(run: () => T): T {
  return root.runInAsyncScope(run);
}

/** Resolves when `signal` aborts; at once if it has. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
