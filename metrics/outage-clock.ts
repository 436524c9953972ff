/** Adds up how long a part was away, including an outage that still lasts. It serves `register-metrics.ts`. */

export class OutageClock {
  readonly #now: () => number;
  /** How long the outages that are over lasted in all, in ms. */
  #past = 0;
  /** When the present outage began; null if there is none. */
  #since: number | null = null;

  /** @param now the time in ms by a clock that never jumps */
  constructor(now: () => number) {
    this.#now = now;
  }

  begin(): void {
    this.#since ??= this.#now();
  }

  end(): void {
    this.#past += this.#current();
    this.#since = null;
  }

  /** All outages since the process started, in seconds. */
  get seconds(): number {
    return (this.#past + this.#current()) / 1_000;
  }

  #current(): number {
    return this.#since === null ? 0 : this.#now() - this.#since;
  }
}
