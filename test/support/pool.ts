// Lets tests that run at the same time share a few things that are slow to start, each used by one test at a time.

/** Things of one kind. Whoever finds all of them in use waits for one. */
export class Pool<T> {
  readonly #free: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  add(item: T): void {
    const next = this.#waiting.shift();
    if (next) next(item);
    else this.#free.push(item);
  }

  /** Calls `work` with an item that nobody else uses meanwhile. */
  async use<R>(work: (item: T) => Promise<R>): Promise<R> {
    const item = this.#free.pop() ?? (await new Promise<T>((resolve) => this.#waiting.push(resolve)));
    try {
      return await work(item);
    } finally {
      this.add(item);
    }
  }
}
