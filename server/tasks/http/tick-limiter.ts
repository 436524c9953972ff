/**
 * Spreads many callers over the ticks of the event loop, a few in each tick, so that other requests are served in between.
 * It serves the requests that wait for a task: after a lost connection to Redis, all of them read at the same moment.
 */

export class TickLimiter {
  readonly #perTick: number;
  readonly #queue: (() => void)[] = [];
  #isRunning = false;

  /** @param perTick how many callers go on in one tick of the event loop */
  constructor(perTick: number) {
    this.#perTick = perTick;
  }

  /** Resolves in one of the next ticks of the event loop, in the order of the calls. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push(resolve);
      if (this.#isRunning) return;
      this.#isRunning = true;
      setImmediate(this.#tick);
    });
  }

  readonly #tick = (): void => {
    for (const resolve of this.#queue.splice(0, this.#perTick)) resolve();
    if (this.#queue.length > 0) setImmediate(this.#tick);
    else this.#isRunning = false;
  };
}
