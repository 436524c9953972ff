/** A timer for many due times, of which the earliest counts. It serves the publisher and the turns. */

export class EarliestTimer {
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout | null = null;
  #at = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  /**
   * Calls `onDue` at `at`, or earlier where it is due earlier. It is called once; then nothing is due any more.
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

  /** Nothing is due any more, whatever is scheduled. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }
}
