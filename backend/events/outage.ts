/**
 * Tells of an outage once when it begins and once when it is over, instead of once for each failed call. It serves the
 * publisher, the HTTP fallback, and what watches Redis.
 */

/**
 * - `silent`: Redis or the bus does not answer.
 * - `unusable`: it answers, but cannot be used.
 */
export type OutageKind = 'silent' | 'unusable';

/** Gets told of the outages of one part, such as the bus. */
export interface OutageListener {
  /** Called at most once in an outage for each kind. `since`: when the outage began, in ISO 8601. */
  began(news: { readonly reason: string; readonly since: string }, kind: OutageKind): void;
  ended(news: { readonly since: string; readonly seconds: number; readonly failures: number }): void;
}

export class Outage {
  readonly #listener: OutageListener;
  readonly #calmMs: number;
  /** The kinds that were told in this outage. */
  readonly #told = new Set<OutageKind>();
  /** When the outage began, in ms since 1970. */
  #since: number | null = null;
  /** When calls began to succeed again, by a clock that nobody sets (`performance.now()`), in ms. */
  #wellSince: number | null = null;
  #failures = 0;

  /** @param calmMs how long calls must have succeeded, without a failure in between, until the outage is over */
  constructor(listener: OutageListener, calmMs = 0) {
    this.#listener = listener;
    this.#calmMs = calmMs;
  }

  /** When the outage began, in ms since 1970; null while there is none. */
  get since(): number | null {
    return this.#since;
  }

  /** A call failed. @param reason the text of the error */
  failed(reason: string, kind: OutageKind = 'silent'): void {
    this.#failures += 1;
    this.#wellSince = null;
    this.#since ??= Date.now();
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#listener.began({ reason, since: new Date(this.#since).toISOString() }, kind);
  }

  /** A call succeeded. */
  succeeded(): void {
    if (this.#since === null) return;
    this.#wellSince ??= performance.now();
    if (performance.now() - this.#wellSince < this.#calmMs) return;
    const since = this.#since;
    const failures = this.#failures;
    this.#since = null;
    this.#wellSince = null;
    this.#failures = 0;
    this.#told.clear();
    this.#listener.ended({ since: new Date(since).toISOString(), seconds: (Date.now() - since) / 1_000, failures });
  }
}
