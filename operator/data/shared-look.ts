/**
 * Shares one look at Redis among all who ask at about the same time. It serves the operator's overview and the search for
 * what is stuck.
 */

export class SharedLook<T> {
  readonly #look: () => Promise<T>;
  readonly #maxAgeMs: number;
  #at = Number.NEGATIVE_INFINITY;
  #answer: Promise<T> | null = null;

  /** @param maxAgeMs for how long an answer is given again */
  constructor(maxAgeMs: number, look: () => Promise<T>) {
    this.#maxAgeMs = maxAgeMs;
    this.#look = look;
  }

  /** The last answer if it is young enough, otherwise a new one. A failure is not kept. */
  get(): Promise<T> {
    if (this.#answer && performance.now() - this.#at < this.#maxAgeMs) return this.#answer;
    this.#at = performance.now();
    const answer = this.#look();
    this.#answer = answer;
    answer.catch(() => {
      if (this.#answer === answer) this.#answer = null;
    });
    return answer;
  }

  /** The next call looks anew: something was changed here. */
  forget(): void {
    this.#answer = null;
  }
}
