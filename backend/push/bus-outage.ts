/**
 * Says what the answers of the bus mean for the next request: whether the bus is down, since when, and when to ask it
 * again. It serves the publisher. Pure: it has no timers; time goes in, in ms of a clock that never goes back.
 *
 * After a fault the bus is left alone for 50 to 100 ms, then 100 to 200 ms, and so on, up to 1,000 to 2,000 ms.
 */

import { backoff } from '../../core/backoff.ts';
import { BusError } from './bus.ts';

/** After a fault, in ms. */
const BACKOFF = { initial: 100, max: 2_000 };
/** A bus that is over its quota or its rate may count, or bill, what it refuses. So it is asked twice a minute only. */
const QUOTA_STATUSES: readonly (number | null)[] = [403, 429];
const QUOTA_BACKOFF = { initial: 30_000, factor: 1, jitter: [1, 1.1] } as const;
/** How long events are kept for another try. By then clients fetch, and the sweeper has not yet looked for outcomes. */
const KEEP_EVENTS_MS = 2_000;
/** How long a request that was taken counts as a sign that the bus is up. */
const KNOWN_UP_MS = 60_000;

export class BusOutage {
  readonly #random: () => number;
  /** When the outage began; null while there is none. */
  #since: number | null = null;
  #failuresInARow = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #succeededAt = Number.NEGATIVE_INFINITY;
  #retryAt = Number.NEGATIVE_INFINITY;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Whether the last request failed and the bus has taken none since. */
  get isOn(): boolean {
    return this.#since !== null;
  }

  /** When the bus is to be asked again. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /** Whether a request was taken within the last minute, and none failed since. */
  isKnownUp(now: number): boolean {
    return !this.isOn && now - this.#succeededAt < KNOWN_UP_MS;
  }

  /** Whether the outage is older than 2 s, or will be when the bus is asked next: events are not kept any longer. */
  isTooLong(now: number): boolean {
    return this.#since !== null && Math.max(now, this.#retryAt) > this.#since + KEEP_EVENTS_MS;
  }

  /** A request that left at `sentAt` was taken. False where that says nothing, since another one has failed after `sentAt`. */
  succeeded(sentAt: number, now: number): boolean {
    if (sentAt <= this.#failedAt) return false;
    this.#succeededAt = now;
    this.#failuresInARow = 0;
    this.#since = null;
    return true;
  }

  /** A request that left at `sentAt` failed. */
  failed(error: unknown, sentAt: number, now: number): void {
    this.#since ??= now;
    // Up to four requests are under way and fail together. That counts as one failure.
    if (sentAt > this.#failedAt) this.#failuresInARow += 1;
    this.#failedAt = now;
    this.#retryAt = Math.max(this.#retryAt, now + this.#backoffAfter(error));
  }

  /** In ms. */
  #backoffAfter(error: unknown): number {
    const isOverQuota = error instanceof BusError && QUOTA_STATUSES.includes(error.status);
    return backoff(this.#failuresInARow, isOverQuota ? QUOTA_BACKOFF : BACKOFF, this.#random());
  }
}
