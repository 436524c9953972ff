/**
 * What a worker needs of the rest of the process, and how a backend gives it. It serves the worker, and tests that replace these
 * parts.
 */

import type { Backend } from '../backend/backend.ts';
import type { ConsumeOptions, Consumer, JobHandler } from '../backend/queue/queue.ts';
import type { WorkerInfo } from '../backend/recovery/worker-registry.ts';
import { systemTime, type Time } from '../backend/time.ts';
import type { AttemptPorts } from './attempt/attempt.ts';
import type { RunningTasks } from './attempt/running-attempts.ts';
import { Heartbeat } from './heartbeat/heartbeat.ts';
import type { HookPorts } from './hooks/outcome-hooks.ts';
import { LookTimer } from './progress/look-timer.ts';
import type { JobStore } from './start/job-starter.ts';

/** What a worker needs from the rest of the process. */
export interface WorkerPorts extends AttemptPorts {
  readonly time: Time;
  readonly store: JobStore;
  /** Null where there are no hooks: in `inloop/testing`. */
  readonly hooks: HookPorts | null;
  readonly queues: {
    /** Delivers jobs of a definition to `handler` until the consumer is closed. */
    consume(name: string, options: ConsumeOptions, handler: JobHandler): Promise<Consumer>;
  };
  /** Calls `listener` with the id of each task that its owner cancels. Rejects while Redis is away. */
  onCancel(listener: (id: string) => void): Promise<void>;
  /** Stores that the probation of a task that `worker` runs is over. Rejects while Redis is away. */
  passProbation(worker: string, task: string): Promise<void>;
  /** Starts the heartbeat of a worker, which goes on until it is stopped. */
  startHeartbeat(worker: string, info: WorkerInfo): RunningTasks & { stop(): Promise<void> };
  /** Begins to look for what other processes left half done. @param stallInterval of this worker, in ms */
  startSweeping(stallInterval: number): void;
  /** Resolves when the time by Redis' clock is known. Never rejects. */
  clockReady(): Promise<void>;
  /** Resolves when parents know of their ended children and no events wait to be pushed, or after twice `limit` ms. */
  drainPushes(limit: number): Promise<void>;
}

/** The ports of a worker on `backend`. */
export function portsOf(backend: Backend): WorkerPorts {
  const {
    store,
    hooks,
    changes,
    publisher,
    clock,
    queues,
    redis,
    sweeper,
    workers: registry,
    events,
    accuracy,
    parents,
  } = backend;
  const announced = new Set<string>();
  const time = systemTime;
  return {
    store,
    hooks: { queue: hooks, clock, time, events, random: Math.random },
    changes,
    children: {
      create: (task, key) => changes.create(task, key),
      announce: (name) => {
        if (announced.has(name)) return;
        announced.add(name);
        sweeper.addDefinitions([name]);
      },
    },
    turns: publisher,
    clock,
    queues,
    time,
    events,
    random: Math.random,
    lookTimer: new LookTimer(time),
    accuracy,
    onCancel: (listener) => redis.onCancel(listener),
    passProbation: (worker, task) => redis.passProbation(worker, task),
    startHeartbeat: (id, info) => {
      const heartbeat = new Heartbeat({ id, info, registry, time, events, ...redis.watchdogTarget(id) });
      redis.onServer((server) => heartbeat.moveTo(server));
      heartbeat.start();
      return heartbeat;
    },
    startSweeping: (stallInterval) => sweeper.start(stallInterval),
    clockReady: () => clock.ready(),
    drainPushes: async (limit) => {
      await time.within(parents.flush(), limit).catch(() => undefined);
      await publisher.drain(limit);
    },
  };
}
