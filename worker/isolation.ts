/**
 * Who may run beside whom in one worker process. It serves the worker, which asks before it starts a task.
 *
 * - `free` tasks start at once, unless somebody is on probation.
 * - A suspect (`probation`) starts when nobody else is on probation. While its probation lasts, nobody else starts.
 * - A strong suspect (`alone`) starts when nothing runs at all. While its probation lasts, nobody else starts.
 *
 * Those who wait start in the order in which they came, except that free tasks pass a strong suspect. In a worker that is
 * never idle it would wait for ever, so every other 30 s it is the other way round: nobody passes it. And beside tasks that
 * take hours it starts after ten minutes all the same, as a suspect does: they lose no attempt if it kills the process.
 */

import type { Isolation } from '../backend/recovery/blame.ts';

/** How long a strong suspect lets others pass, then keeps them out, then lets them pass again. */
const PATIENCE_MS = 30_000;
/** How long a strong suspect waits for a worker that has nothing to do. */
const LONGEST_WAIT_MS = 600_000;

/** A task that was let in. */
export interface Admission {
  /** The probation is over: others may start. */
  pass(): void;
  /** The task has ended. Passes too. */
  leave(): void;
}

interface Waiting {
  readonly isolation: Isolation;
  /** On a clock that never goes back, in ms. */
  readonly since: number;
  readonly admit: () => void;
}

export class IsolationGate {
  readonly #now: () => number;
  #running = 0;
  #isWatching = false;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;
  #timerAt = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Resolves when a task may start; null when `signal` aborts before. Each admission must be left. */
  async enter(isolation: Isolation, signal: AbortSignal): Promise<Admission | null> {
    if (signal.aborted) return null;
    let isLeft = false;
    let isPassed = isolation === 'free';
    const admission: Admission = {
      pass: () => {
        if (isPassed) return;
        isPassed = true;
        this.#isWatching = false;
        this.#admit();
      },
      leave: () => {
        if (isLeft) return;
        isLeft = true;
        this.#running -= 1;
        admission.pass();
        this.#admit();
      },
    };
    return new Promise((resolve) => {
      const waiting: Waiting = {
        isolation,
        since: this.#now(),
        admit: () => {
          signal.removeEventListener('abort', giveUp);
          this.#running += 1;
          this.#isWatching ||= isolation !== 'free';
          resolve(admission);
        },
      };
      const giveUp = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        resolve(null);
        this.#admit();
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(waiting);
      this.#admit();
    });
  }

  /** Lets in whoever may start now. */
  #admit(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    for (const waiting of [...this.#waiting]) {
      if (this.#isWatching) return;
      if (waiting.isolation === 'alone' && this.#running > 0) {
        const waited = this.#now() - waiting.since;
        if (waited < LONGEST_WAIT_MS) {
          this.#lookAgain(PATIENCE_MS - (waited % PATIENCE_MS));
          if (isKeepingOut(waited)) return;
          continue;
        }
      }
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      waiting.admit();
    }
  }

  /** The first who waits alone came first, but any of them may be the next to change its mind. */
  #lookAgain(ms: number): void {
    const at = this.#now() + ms;
    if (this.#timer && this.#timerAt <= at) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#admit(), ms).unref();
  }
}

/** @param waited how long a strong suspect has, in ms */
function isKeepingOut(waited: number): boolean {
  return Math.floor(waited / PATIENCE_MS) % 2 === 1;
}
