/** A timer for waits of any length. `setTimeout` takes at most 24.8 days. It serves `async.ts`. */

/** The longest wait of `setTimeout`, in ms: 24.8 days. A longer one becomes 1 ms. */
const LONGEST_STEP_MS = 2 ** 31 - 1;

/** A wait that has begun. */
export class Timer {
  #left: number;
  readonly #run: () => void;
  #handle: NodeJS.Timeout;

  /** @internal Use {@link startTimer}. */
  constructor(run: () => void, ms: number) {
    this.#left = ms;
    this.#run = run;
    this.#handle = this.#step();
  }

  /** Ends the wait. `run` is not called. */
  stop(): void {
    clearTimeout(this.#handle);
    this.#left = 0;
  }

  /** Lets the process end although this wait is not over. */
  unref(): this {
    this.#handle.unref();
    return this;
  }

  #step(): NodeJS.Timeout {
    const step = Math.min(this.#left, LONGEST_STEP_MS);
    this.#left -= step;
    if (this.#left <= 0) return setTimeout(this.#run, step);
    return setTimeout(() => {
      const keepsProcessAlive = this.#handle.hasRef();
      this.#handle = this.#step();
      if (!keepsProcessAlive) this.#handle.unref();
    }, step);
  }
}

/** Calls `run` once, after `ms`: at once for 0 and less, never for Infinity. */
export function startTimer(run: () => void, ms: number): Timer {
  return new Timer(run, ms);
}
