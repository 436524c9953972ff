/**
 * Takes back tasks whose creation got no answer. It serves the store. An outage leaves many of them at once, so they
 * stand in line: what they cost while Redis is away has a bound, and so has what they ask of it when it is back.
 */

/** Tries that are under way at once. */
const AT_ONCE = 50;
/** Bounds memory, at some 200 bytes each. Beyond it a task that was refused may run after all. */
const MAX_IN_LINE = 10_000;
const TRY_FOR_MS = 60_000;
const RETRY_MS = 500;

interface Discard {
  readonly id: string;
  readonly owner: string;
  /** Until when it is tried, by `performance.now()`. */
  readonly until: number;
  readonly done: () => void;
}

export class Discards {
  readonly #discard: (id: string, owner: string) => Promise<unknown>;
  readonly #line: Discard[] = [];
  #isRunning = false;

  /** @param discard forgets a task, or rejects where the store does not answer */
  constructor(discard: (id: string, owner: string) => Promise<unknown>) {
    this.#discard = discard;
  }

  /** Resolves when the task is gone, or after a minute of trying. Never rejects. */
  add(id: string, owner: string): Promise<void> {
    if (this.#line.length >= MAX_IN_LINE) return Promise.resolve();
    return new Promise((done) => {
      this.#line.push({ id, owner, until: performance.now() + TRY_FOR_MS, done });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#line.length > 0) {
      const failed: Discard[] = [];
      await Promise.all(
        this.#line.splice(0, AT_ONCE).map((one) =>
          this.#discard(one.id, one.owner).then(one.done, () => {
            if (performance.now() < one.until) failed.push(one);
            else one.done();
          }),
        ),
      );
      this.#line.unshift(...failed);
      // A process that has nothing else to do need not stay for this.
      if (failed.length > 0) await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
    }
    this.#isRunning = false;
  }
}
