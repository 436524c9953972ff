/** Tells of an outage once when it begins and once when it is over, and not once per failed call. */

/** - `silent`: it does not answer. - `unusable`: it answers, but is of no use. */
export type OutageKind = 'silent' | 'unusable';

/** What there is to tell of one part. */
export interface OutageNews {
  /** At most once an outage for each kind. `since`: when it began, in ISO 8601. */
  began(news: { readonly reason: string; readonly since: string }, kind: OutageKind): void;
  ended(news: { readonly since: string; readonly seconds: number; readonly failures: number }): void;
}

export class Outage {
  readonly #news: OutageNews;
  readonly #calm: number;
  /** What was told in this outage. */
  readonly #told = new Set<OutageKind>();
  #since: number | null = null;
  #wellSince: number | null = null;
  #failures = 0;

  /** @param calm how long it must have worked, without a failure in between, to count as over; in ms */
  constructor(news: OutageNews, calm = 0) {
    this.#news = news;
    this.#calm = calm;
  }

  /** When it began, in ms since the epoch, or null while all is well. */
  get since(): number | null {
    return this.#since;
  }

  /** A call failed. @param reason what the fault says of itself */
  failed(reason: string, kind: OutageKind = 'silent'): void {
    this.#failures += 1;
    this.#wellSince = null;
    this.#since ??= Date.now();
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#news.began({ reason, since: new Date(this.#since).toISOString() }, kind);
  }

  /** A call worked. */
  succeeded(): void {
    if (this.#since === null) return;
    this.#wellSince ??= performance.now();
    if (performance.now() - this.#wellSince < this.#calm) return;
    const [since, failures] = [this.#since, this.#failures];
    this.#since = null;
    this.#wellSince = null;
    this.#failures = 0;
    this.#told.clear();
    this.#news.ended({ since: new Date(since).toISOString(), seconds: (Date.now() - since) / 1_000, failures });
  }
}
