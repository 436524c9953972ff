/** Makes a sweeper, and the parts that it calls, for one process. It serves `Backend`. */

import type { Clock } from '../clock.ts';
import type { Emitter } from '../events/events.ts';
import type { ParentUpdates } from '../family/parent-updates.ts';
import type { Publisher } from '../push/publisher.ts';
import { repairGates } from '../store/commands/process/repair-gates.ts';
import type { Redis } from '../store/redis.ts';
import type { TaskStore } from '../store/store.ts';
import type { TaskChanges } from '../task-changes.ts';
import { systemTime } from '../time.ts';
import { GateKeeper } from './gate-keeper.ts';
import { LostWorkers } from './lost-workers.ts';
import { Sweeper } from './sweeper.ts';
import { UnservedTasks } from './unserved.ts';
import type { WorkerRegistry } from './worker-registry.ts';

/** In development, a definition without a worker is hinted at after this time. In production it is only reported, after 30 s. */
const HINT_AFTER_MS = 2_000;

/** What recovery shares with the other parts of a backend. */
export interface SweeperParts {
  readonly redis: Redis;
  readonly store: TaskStore;
  readonly changes: TaskChanges;
  readonly parents: ParentUpdates;
  readonly registry: WorkerRegistry;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly events: Emitter;
}

/** A sweeper that finishes what other processes left half done. It does nothing before its `start`. */
export function createSweeper(parts: SweeperParts): Sweeper {
  const { redis, store, changes, parents, registry, publisher, clock, events } = parts;
  const time = systemTime;
  // No hint in production: a deploy may leave a definition without a worker for a moment.
  const hintAfterMs = process.env.NODE_ENV === 'production' ? undefined : HINT_AFTER_MS;
  return new Sweeper({
    redis,
    store,
    changes,
    registry,
    clock,
    time,
    parents,
    unserved: new UnservedTasks({ redis, store, changes, clock, time, events, hintAfterMs }),
    gateKeeper: new GateKeeper({ repairGates: () => repairGates(redis), changes, clock, time }),
    lostWorkers: new LostWorkers({ redis, store, changes, registry, clock, time, events }),
    isBusDown: () => publisher.isDown,
    askBus: () => publisher.isDown || publisher.hasSentWithin(Number.POSITIVE_INFINITY) || publisher.probe(),
  });
}
