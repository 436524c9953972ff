/**
 * Admission control: decides which tasks may run beside each other in one worker process. It serves the worker, which asks
 * before it starts a task. The isolation of a task follows from its earlier crashes (`backend/recovery/probation.ts`).
 *
 * | isolation   | starts when                  | exclusive, that is, nothing else starts |
 * |-------------|------------------------------|-----------------------------------------|
 * | `free`      | no running task is exclusive | never                                   |
 * | `probation` | no running task is exclusive | from its start until `pass`             |
 * | `alone`     | nothing runs at all          | from its start until `pass`             |
 *
 * Waiting tasks start in the order in which they came, with two exceptions for a task that has to run `alone`:
 *
 * - Others may start before it in the first 30 s, not in the next 30 s, and so on, until nothing runs. Otherwise it would
 *   wait for ever in a worker that is never idle.
 * - If it has waited for ten minutes, it starts beside what still runs. That costs the others no attempt: if it kills the
 *   process, the crash is charged to it.
 */

import type { Isolation } from '../../backend/recovery/probation.ts';
import type { Time } from '../../backend/time.ts';

/** A task that waits to run alone lets others start for this long, then keeps them from starting for as long, and so on. */
const PATIENCE_MS = 30_000;
/** How long a task waits to run alone, before it starts beside others. */
const LONGEST_WAIT_MS = 600_000;

/** A task that was let in. */
export interface Admission {
  /** Ends the exclusive time of the task: others may start. */
  pass(): void;
  /** The task has ended. Includes `pass`. */
  leave(): void;
}

interface Waiting {
  readonly isolation: Isolation;
  /** On a clock that never goes back, in ms. */
  readonly since: number;
  readonly admit: () => void;
}

export class AdmissionControl {
  readonly #time: Pick<Time, 'elapsed' | 'delay'>;
  #running = 0;
  /** Whether a running task is exclusive. */
  #isExclusive = false;
  #waiting: Waiting[] = [];
  /** Stops the timer that calls `#admit` again; null if none runs. */
  #timer: AbortController | null = null;
  #timerAt = 0;

  constructor(time: Pick<Time, 'elapsed' | 'delay'>) {
    this.#time = time;
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
        this.#isExclusive = false;
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
        since: this.#time.elapsed(),
        admit: () => {
          signal.removeEventListener('abort', giveUp);
          this.#running += 1;
          this.#isExclusive ||= isolation !== 'free';
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
    this.#timer?.abort();
    this.#timer = null;
    for (const waiting of [...this.#waiting]) {
      if (this.#isExclusive) return;
      if (waiting.isolation === 'alone' && this.#running > 0) {
        const waited = this.#time.elapsed() - waiting.since;
        if (waited < LONGEST_WAIT_MS) {
          this.#admitAfter(PATIENCE_MS - (waited % PATIENCE_MS));
          if (isKeepingOut(waited)) return;
          continue;
        }
      }
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      waiting.admit();
    }
  }

  /** Calls `#admit` after `ms`, unless an earlier call is planned for another task that waits to run alone. */
  #admitAfter(ms: number): void {
    const at = this.#time.elapsed() + ms;
    if (this.#timer && this.#timerAt <= at) return;
    this.#timer?.abort();
    const timer = new AbortController();
    this.#timer = timer;
    this.#timerAt = at;
    void this.#time.delay(ms, timer.signal).then(() => {
      if (!timer.signal.aborted) this.#admit();
    });
  }
}

/** Whether a task that waits to run alone keeps others from starting just now. @param waited for how long, in ms */
function isKeepingOut(waited: number): boolean {
  return Math.floor(waited / PATIENCE_MS) % 2 === 1;
}
