/** Calls back when the next delayed job is due by Redis' clock. It serves `delayed-jobs.ts`. */

import type { Clock } from '../../clock.ts';

export interface DueTimerOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** The longest time between two calls of `onDue`, in ms. */
  readonly longestWait: number;
  /** Looks for jobs that are due. */
  readonly onDue: () => void;
}

/** One timer. It calls back at the earliest time that was planned, and again and again after the longest wait. */
export class DueTimer {
  readonly #options: DueTimerOptions;
  #timer: NodeJS.Timeout | null = null;
  /** When the timer fires, on a clock that never goes back, in ms. */
  #at = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(options: DueTimerOptions) {
    this.#options = options;
  }

  /**
   * Plans a call of `onDue` for when the job is due, and for `longestWait` from now at the latest. An earlier call that is
   * planned already stays.
   * @param time when a job is due, in ms since 1970 by Redis' clock; -1 or NaN if that is not known
   */
  schedule(time: number): void {
    const { clock, longestWait } = this.#options;
    const wait = time >= 0 ? Math.min(Math.max(time - clock.now(), 0), longestWait) : longestWait;
    const at = performance.now() + wait;
    if (this.#isStopped || at >= this.#at) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(() => {
      this.#at = Number.POSITIVE_INFINITY;
      // If no job is due, or `onDue` fails, it is called again after the longest wait.
      this.schedule(-1);
      this.#options.onDue();
    }, wait);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }
}
