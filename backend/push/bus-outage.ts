/**
 * What the answers of the bus say about the next request: whether it is away, since when, and how long it is left alone.
 * It serves the publisher. Pure: it has no timers; time goes in (ms of a clock that never goes back).
 */

import { backoff } from '../../core/backoff.ts';
import { BusError } from './bus.ts';

/** Pauses after failures in a row, in ms. */
const PAUSE = { initial: 100, max: 2_000 };
/** Over its quota or its rate a bus counts, or bills, what it refuses. */
const QUOTA_STATUSES: readonly (number | null)[] = [403, 429];
const QUOTA_PAUSE = { initial: 30_000, factor: 1, jitter: [1, 1.1] } as const;
/** How long anything is worth another try; after that, clients have fetched. Less than a sweeper's patience. */
const PATIENCE_MS = 2_000;
/** How long the last request that was taken says that the next one will be. */
const PROOF_MS = 60_000;

export class BusOutage {
  readonly #random: () => number;
  #since: number | null = null;
  #failuresInARow = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #takenAt = Number.NEGATIVE_INFINITY;
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
  isProvenUp(now: number): boolean {
    return !this.isOn && now - this.#takenAt < PROOF_MS;
  }

  /** Whether the outage is older than what waits is kept for, or will be when the bus is asked next. */
  hasLastedTooLong(now: number): boolean {
    return this.#since !== null && Math.max(now, this.#retryAt) > this.#since + PATIENCE_MS;
  }

  /**
   * A request that was sent at `began` was taken. False: that says nothing, since another one failed after it was sent.
   */
  succeeded(began: number, now: number): boolean {
    if (began <= this.#failedAt) return false;
    this.#takenAt = now;
    this.#failuresInARow = 0;
    this.#since = null;
    return true;
  }

  /** A request that was sent at `began` failed. */
  failed(error: unknown, began: number, now: number): void {
    this.#since ??= now;
    // What was under way together fails together, and counts once.
    if (began > this.#failedAt) this.#failuresInARow += 1;
    this.#failedAt = now;
    this.#retryAt = Math.max(this.#retryAt, now + this.#pauseAfter(error));
  }

  /** In ms, spread at random: many processes lost the bus at the same moment. */
  #pauseAfter(error: unknown): number {
    const random = this.#random();
    const isOverQuota = error instanceof BusError && QUOTA_STATUSES.includes(error.status);
    return backoff(this.#failuresInARow, isOverQuota ? QUOTA_PAUSE : PAUSE, random);
  }
}
