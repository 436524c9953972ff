/** A timer that fires at the earliest of the times that it was given. It serves the publisher and the waits for turns. */

export class EarliestTimer {
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout | null = null;
  #at = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  /**
   * Calls `onDue` once, at `at`, or earlier if an earlier time was scheduled. After the call nothing is scheduled.
   * @param at in ms of performance.now(); Infinity for never
   */
  schedule(at: number): void {
    if (this.#isStopped || at >= this.#at) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(
      () => {
        this.#at = Number.POSITIVE_INFINITY;
        this.#onDue();
      },
      // Rounded up, since timers take whole ms and `onDue` must not find that it came too early.
      Math.max(Math.ceil(at - performance.now()), 0),
    );
  }

  /** Stops the timer for good: later calls of `schedule` do nothing. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }
}
