/** Wakes up when the next delayed job is due by Redis' clock. It serves `delayed-jobs.ts`. Pure but for its timer. */

import type { Clock } from '../clock.ts';

export interface DueTimerOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** The longest sleep, in ms. */
  readonly most: number;
  /** Looks for jobs that are due. */
  readonly onDue: () => void;
}

export class DueTimer {
  readonly #options: DueTimerOptions;
  #timer: NodeJS.Timeout | null = null;
  /** When the timer fires, on a clock that never goes back, in ms. */
  #at = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(options: DueTimerOptions) {
    this.#options = options;
  }

  /** @param time when a job is due, in ms since 1970 by Redis' clock; anything else where none is known */
  schedule(time: number): void {
    const { clock, most } = this.#options;
    const wait = time >= 0 ? Math.min(Math.max(time - clock.now(), 0), most) : most;
    const at = performance.now() + wait;
    if (this.#isStopped || at >= this.#at) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(() => {
      this.#at = Number.POSITIVE_INFINITY;
      // If nothing is due, or looking fails, it looks again after the longest sleep.
      this.schedule(-1);
      this.#options.onDue();
    }, wait);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }
}
