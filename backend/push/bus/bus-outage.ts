/**
 * Says whether the bus is down, for how long, and when to send the next request. It serves the publisher. Pure: it has no
 * timers; callers pass the time, in ms of a clock that never goes back.
 *
 * After the first failure nothing is sent for 50 to 100 ms, after the second for 100 to 200 ms, and so on, up to 1,000 to
 * 2,000 ms.
 */

import { backoff } from '../../../core/values/backoff.ts';
import { BusError } from './bus.ts';

/** The wait after a failure, in ms. */
const BACKOFF = { initial: 100, max: 2_000 };
/** A bus whose quota or rate limit is used up may count, or bill, refused requests. So it gets only two a minute. */
const QUOTA_STATUSES: readonly (number | null)[] = [403, 429];
const QUOTA_BACKOFF = { initial: 30_000, factor: 1, jitter: [1, 1.1] } as const;
/**
 * How long events are kept for another try. After that time clients have fetched what they missed. It is shorter than the 3 s
 * after which the sweeper pushes outcomes, so that no outcome is pushed twice.
 */
const KEEP_EVENTS_MS = 2_000;

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

  /** When to send the next request. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /** Whether a request succeeded within the last `ms`, and none failed since. Infinity: whether one ever did. */
  isKnownUp(now: number, ms: number): boolean {
    return !this.isOn && this.#succeededAt > now - ms;
  }

  /** Whether the outage is older than 2 s, or will be when the next request is sent. Then events are not kept. */
  isTooLong(now: number): boolean {
    return this.#since !== null && Math.max(now, this.#retryAt) > this.#since + KEEP_EVENTS_MS;
  }

  /**
   * A request that was sent at `sentAt` succeeded. Returns false, and changes nothing, if another request has failed after
   * `sentAt`.
   */
  succeeded(sentAt: number, now: number): boolean {
    if (sentAt <= this.#failedAt) return false;
    this.#succeededAt = now;
    this.#failuresInARow = 0;
    this.#since = null;
    return true;
  }

  /** A request that was sent at `sentAt` failed. */
  failed(error: unknown, sentAt: number, now: number): void {
    this.#since ??= now;
    // Up to four requests are under way and fail together. That counts as one failure.
    if (sentAt > this.#failedAt) this.#failuresInARow += 1;
    this.#failedAt = now;
    this.#retryAt = Math.max(this.#retryAt, now + this.#backoffAfter(error));
  }

  /** How long to send nothing after this failure, in ms. */
  #backoffAfter(error: unknown): number {
    const isOverQuota = error instanceof BusError && QUOTA_STATUSES.includes(error.status);
    return backoff(this.#failuresInARow, isOverQuota ? QUOTA_BACKOFF : BACKOFF, this.#random());
  }
}
