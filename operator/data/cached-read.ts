/**
 * Keeps the answer of a read for a moment, and gives it to all who ask meanwhile. With it, a hundred open pages read Redis no more
 * often than one page. It serves the operator's overview and the search for what is stuck.
 */

/** A read whose answer is kept for `maxAgeMs`. */
export class CachedRead<T> {
  readonly #read: () => Promise<T>;
  readonly #maxAgeMs: number;
  #startedAt = Number.NEGATIVE_INFINITY;
  #answer: Promise<T> | null = null;

  /** @param maxAgeMs for how long an answer is given again, counted from the start of its read */
  constructor(maxAgeMs: number, read: () => Promise<T>) {
    this.#maxAgeMs = maxAgeMs;
    this.#read = read;
  }

  /** The last answer if it is young enough, otherwise a new one. A failure is not kept. */
  get(): Promise<T> {
    if (this.#answer && performance.now() - this.#startedAt < this.#maxAgeMs) return this.#answer;
    this.#startedAt = performance.now();
    const answer = this.#read();
    this.#answer = answer;
    answer.catch(() => {
      if (this.#answer === answer) this.#answer = null;
    });
    return answer;
  }

  /** Makes the next call read anew. */
  forget(): void {
    this.#answer = null;
  }
}
