/**
 * Repairs the gates of concurrency keys (store/limits/gate-scripts.ts) after a crash: lets waiting tasks in where there is room,
 * and cancels replaced tasks whose canceller has died. It serves the sweeper.
 */

import type { Time } from '../time.ts';

const LOOK_EVERY_MS = 3_000;

export interface GateKeeperOptions {
  /** Lets tasks in where there is room. Answers with ids of tasks that are still to be cancelled. */
  readonly repairGates: () => Promise<readonly string[]>;
  readonly changes: { cancelReplaced(ids: readonly string[], at: string): Promise<void> };
  /** The time of day, by Redis' clock. */
  readonly clock: { iso(): string };
  readonly time: Pick<Time, 'elapsed'>;
}

export class GateKeeper {
  readonly #options: GateKeeperOptions;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: GateKeeperOptions) {
    this.#options = options;
  }

  /** Looks once, if the last look was 3 s ago. @throws TaskError `store_unavailable` */
  async look(): Promise<void> {
    const { repairGates, changes, clock, time } = this.#options;
    if (time.elapsed() - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = time.elapsed();
    await changes.cancelReplaced(await repairGates(), clock.iso());
  }
}
