/**
 * Repairs the gates of concurrency keys (store/limits/gate-scripts.ts) after a crash: lets waiting tasks in where there is room,
 * and cancels replaced tasks whose canceller has died. It serves the sweeper.
 */

import type { Time } from '../time.ts';

/** The sweeper calls more often than this. A crash is rare, so a repair every 3 s is enough. */
const REPAIR_EVERY_MS = 3_000;

export interface GateKeeperOptions {
  /** Lets tasks in where there is room. Answers with ids of tasks that are still to be cancelled. */
  readonly repairGates: () => Promise<readonly string[]>;
  readonly changes: { cancelReplaced(ids: readonly string[], at: string): Promise<void> };
  /** The time of day, by Redis' clock. */
  readonly clock: { iso(): string };
  readonly time: Pick<Time, 'elapsed'>;
}

/** Repairs gates at most every 3 s. */
export class GateKeeper {
  readonly #options: GateKeeperOptions;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: GateKeeperOptions) {
    this.#options = options;
  }

  /** Repairs gates, unless this process has done so within the last 3 s. @throws TaskError `store_unavailable` */
  async sweep(): Promise<void> {
    const { repairGates, changes, clock, time } = this.#options;
    if (time.elapsed() - this.#sweptAt < REPAIR_EVERY_MS) return;
    this.#sweptAt = time.elapsed();
    await changes.cancelReplaced(await repairGates(), clock.iso());
  }
}
