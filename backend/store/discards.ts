/**
 * Removes tasks whose creation got no answer from Redis. It serves the store. An outage leaves many such tasks at once. At
 * most 10,000 of them wait here, at most 50 are tried at a time, and each is tried for a minute.
 */

/** How many are tried at a time. It bounds the load on Redis when it is back. */
const MAX_AT_ONCE = 50;
/** Bounds memory, about 200 bytes each. Further tasks are not removed, so they may run although the request was refused. */
const MAX_WAITING = 10_000;
/** How long each is tried. */
const TRY_FOR_MS = 60_000;
/** The pause after a try that has failed for some of them. */
const RETRY_MS = 500;

interface Discard {
  readonly id: string;
  readonly owner: string;
  /** Tried until this time, by `performance.now()`. */
  readonly until: number;
  readonly done: () => void;
}

/** The tasks that this process has to remove. They are forgotten if the process ends. */
export class Discards {
  readonly #discard: (id: string, owner: string) => Promise<unknown>;
  readonly #waiting: Discard[] = [];
  #isRunning = false;

  /** @param discard removes a task; rejects if Redis does not answer */
  constructor(discard: (id: string, owner: string) => Promise<unknown>) {
    this.#discard = discard;
  }

  /** Resolves when the task is gone, or after a minute of trying; at once if too many wait already. Never rejects. */
  add(id: string, owner: string): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) return Promise.resolve();
    return new Promise((done) => {
      this.#waiting.push({ id, owner, until: performance.now() + TRY_FOR_MS, done });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const failed: Discard[] = [];
      await Promise.all(
        this.#waiting.splice(0, MAX_AT_ONCE).map((one) =>
          this.#discard(one.id, one.owner).then(one.done, () => {
            if (performance.now() < one.until) failed.push(one);
            else one.done();
          }),
        ),
      );
      this.#waiting.unshift(...failed);
      // unref: a process that has nothing else to do need not stay for this.
      if (failed.length > 0) await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
    }
    this.#isRunning = false;
  }
}
