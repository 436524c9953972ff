/**
 * Keeps the last checkpoint of an attempt until the checkpoint is stored. It serves `stored-attempt.ts`.
 *
 * The checkpoint is stored with the next change of the task, whatever that is. If none comes, it is stored alone, so that a
 * killed worker loses at most the last second, unless Redis was away. Checkpoints alone cost at most one write every 800 ms,
 * also if a handler gives 1,000 a second.
 */

import type { Time } from '../../backend/time.ts';

/** A checkpoint waits this long for another change. The other 200 ms of the second are for the way to Redis. */
const ALONE_AFTER_MS = 800;

export interface PendingCheckpointOptions {
  readonly time: Pick<Time, 'elapsed' | 'delay'>;
  /** Aborts when the attempt has ended. */
  readonly ended: AbortSignal;
  /** Stores the checkpoint, if nothing goes wrong. Never rejects. */
  readonly store: () => Promise<void>;
}

/** Keeps the newest checkpoint until it is stored. */
export class PendingCheckpoint {
  readonly #options: PendingCheckpointOptions;
  #text: string | null = null;
  #dueAt = 0;
  /** Whether `#storeInTime` runs. */
  #isWaiting = false;

  constructor(options: PendingCheckpointOptions) {
    this.#options = options;
  }

  /** JSON; null if everything is stored. */
  get text(): string | null {
    return this.#text;
  }

  /** Keeps a checkpoint in place of the one before. @param text JSON */
  keep(text: string): void {
    if (this.#text === null) this.#setDue();
    this.#text = text;
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    void this.#storeInTime();
  }

  /** Notes that `text` was stored. The handler may have given another one meanwhile. */
  noteStored(text: string): void {
    if (this.#text === text) this.#text = null;
    else this.#setDue();
  }

  #setDue(): void {
    this.#dueAt = this.#options.time.elapsed() + ALONE_AFTER_MS;
  }

  async #storeInTime(): Promise<void> {
    const { time, ended, store } = this.#options;
    while (this.#text !== null && !ended.aborted) {
      await time.delay(Math.max(this.#dueAt - time.elapsed(), 0), ended);
      if (this.#text === null || ended.aborted || time.elapsed() < this.#dueAt) continue;
      // If this fails, the checkpoint is stored 800 ms later.
      this.#setDue();
      await store();
    }
    this.#isWaiting = false;
  }
}
