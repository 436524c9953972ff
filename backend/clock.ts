/**
 * Tells the time by Redis' clock. It serves everything that stores a time or compares one with a stored time.
 *
 * Processes on different machines disagree about the time, and somebody may set a machine's clock at any moment. So no process
 * stores its own time. It asks Redis every ten seconds and counts on from there with a clock that is never set
 * (`performance.now()`).
 */

/** How often Redis is asked for its time. */
const FOLLOW_EVERY_MS = 10_000;
/** The operator is told if this machine's clock is off by more. Hosted Pusher refuses requests that are 10 minutes off. */
const TOLERATED_DRIFT_MS = 60_000;

/** What a {@link Clock} is made of. */
export interface ClockOptions {
  /** Redis' time in ms since 1970. Rejects while Redis is away. */
  readonly ask: () => Promise<number>;
  /** A clock that is never set, in ms. For tests. */
  readonly elapsed?: () => number;
  /** This machine's clock, in ms since 1970. Used until Redis has answered. For tests. */
  readonly local?: () => number;
  /** Called when this machine's clock is more than a minute off from that of Redis, with the difference in ms. */
  readonly onDrift?: (ms: number) => void;
}

export class Clock {
  readonly #ask: () => Promise<number>;
  readonly #elapsed: () => number;
  readonly #local: () => number;
  readonly #onDrift: (ms: number) => void;
  /** What to add to `#elapsed()` for ms since 1970. */
  #offset: number;
  #isSet = false;
  #asking: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor({ ask, elapsed = () => performance.now(), local = Date.now, onDrift = () => undefined }: ClockOptions) {
    this.#ask = ask;
    this.#local = local;
    this.#onDrift = onDrift;
    this.#elapsed = elapsed;
    this.#offset = local() - elapsed();
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Math.round(this.#elapsed() + this.#offset);
  }

  /** The time that is `ms` from now, as snapshots carry it: ISO 8601 in UTC with milliseconds. */
  iso(ms = 0): string {
    return new Date(this.now() + ms).toISOString();
  }

  /** Asks Redis at once, and again every ten seconds. Does not keep the process alive. A second call changes nothing. */
  follow(): void {
    if (this.#timer) return;
    this.#timer = setInterval(() => void this.#set(), FOLLOW_EVERY_MS).unref();
    void this.#set();
  }

  /** Resolves when Redis has told the time. If Redis does not answer, the local clock is used until it does. Never rejects. */
  async ready(): Promise<void> {
    if (!this.#isSet) await this.#set();
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  #set(): Promise<void> {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #askOnce(): Promise<void> {
    const asked = this.#elapsed();
    try {
      const time = await this.#ask();
      // Redis read its clock between question and answer. The middle of the two is off by at most half a round trip.
      this.#offset = time - (asked + this.#elapsed()) / 2;
      this.#isSet = true;
      const drift = Math.abs(this.now() - this.#local());
      if (drift > TOLERATED_DRIFT_MS) this.#onDrift(drift);
    } catch {
      // Redis does not answer; that is logged elsewhere. The last known offset stays.
    }
  }
}
