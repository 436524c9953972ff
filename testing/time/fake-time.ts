/**
 * A `Time` (backend/time.ts) that stands still until somebody moves it. It serves tests of our own parts, which move it, and
 * `pass-time.ts`, which moves it while handlers run.
 *
 * Most alarms only ring when the time passes them. A few are *awaited*: something waits for nothing else, so the time may jump
 * there. A handler that sleeps by the test's clock is an example.
 */

import { DeadlineError } from '../../backend/async.ts';
import type { Time } from '../../backend/time.ts';
import { settlePromises } from './real-timers.ts';

/**
 * When the time may jump to an awaited alarm. `asleep`: as soon as nothing else is going on. `quiet`: only when nothing else has
 * gone on for a while, since a handler might be at something that cannot be seen.
 */
export type Jump = 'asleep' | 'quiet';

interface Alarm {
  readonly at: number;
  readonly ring: () => void;
  /** Null: the time does not jump here. */
  readonly jump: Jump | null;
}

export class FakeTime implements Time {
  #now = 0;
  readonly #alarms = new Set<Alarm>();

  elapsed(): number {
    return this.#now;
  }

  delay(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#set(ms, null, signal);
  }

  /** As `delay`, and the time may jump to the end of it. */
  awaitedDelay(ms: number, jump: Jump, signal?: AbortSignal): Promise<void> {
    return this.#set(ms, jump, signal);
  }

  within<T>(work: Promise<T>, ms: number): Promise<T> {
    const over = new AbortController();
    const late = this.delay(ms, over.signal).then(() => {
      throw new DeadlineError(`no answer within ${ms} ms`);
    });
    return Promise.race([work, late]).finally(() => over.abort());
  }

  every(ms: number, run: () => void): () => void {
    const stop = new AbortController();
    const next = async () => {
      await this.delay(ms, stop.signal);
      if (stop.signal.aborted) return;
      void next();
      run();
    };
    void next();
    return () => stop.abort();
  }

  /** How many delays are not over. */
  get waiting(): number {
    return this.#alarms.size;
  }

  /**
   * Where the time may jump: to the earliest awaited alarm. `jump` is `asleep` if any awaited alarm is, even a later one. Null if
   * nothing is awaited.
   */
  get nextJump(): { readonly at: number; readonly jump: Jump } | null {
    const awaited = [...this.#alarms].filter(({ jump }) => jump !== null);
    if (awaited.length === 0) return null;
    const isAsleep = awaited.some(({ jump }) => jump === 'asleep');
    return { at: Math.min(...awaited.map(({ at }) => at)), jump: isAsleep ? 'asleep' : 'quiet' };
  }

  /** Moves the time on by `ms`. Alarms ring in order of time; before the next one, all that the last one caused is done. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settlePromises();
    while (this.#ringNext(end) !== null) await settlePromises();
    this.#now = end;
  }

  /** Moves the time on to the next alarm at or before `end`. Returns whether it was an awaited one. */
  async step(end: number): Promise<boolean> {
    const rung = this.#ringNext(end);
    await settlePromises();
    return rung?.jump != null;
  }

  #ringNext(end: number): Alarm | null {
    const due = [...this.#alarms].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
    if (!due) return null;
    this.#now = Math.max(this.#now, due.at);
    this.#alarms.delete(due);
    due.ring();
    return due;
  }

  #set(ms: number, jump: Jump | null, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        this.#alarms.delete(alarm);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const alarm: Alarm = { at: this.#now + ms, ring: done, jump };
      this.#alarms.add(alarm);
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}
