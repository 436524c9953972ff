/**
 * Runs handlers with the worker of production (worker/task-worker.ts) on a memory backend, until no task waits. It serves
 * `runTask` and `createMemoryBackend`.
 *
 * Left out of the worker: the heartbeat and what follows from it (nothing else looks after this process), and the jitter of
 * waits between attempts, so that times are the same in each run of a test.
 */

import type { Emitter } from '../backend/events/events.ts';
import type { ParentUpdates } from '../backend/family/parent-updates.ts';
import type { TaskChanges } from '../backend/task-changes.ts';
import { ConfigError } from '../core/config-error.ts';
import { type Duration, toMilliseconds } from '../core/values/duration.ts';
import type { TaskContext } from '../worker/context.ts';
import { LookTimer } from '../worker/progress/look-timer.ts';
import type { Turns } from '../worker/progress/reporter-ports.ts';
import type { Handling } from '../worker/start/job-starter.ts';
import { Worker } from '../worker/task-worker.ts';
import type { WorkerPorts } from '../worker/worker-ports.ts';
import type { MemoryQueues } from './backend/memory-queues.ts';
import type { MemoryStore } from './backend/memory-store.ts';
import type { TestTime } from './time/test-time.ts';

export interface RunOptions {
  /** How long a handler may take to stop when it is told to. Then it is cut off. Default 5 s, as a worker's. */
  readonly grace?: Duration;
  /** Whether the time may jump to the deadline of a handler that waits. */
  readonly jumpsToDeadline?: boolean;
}

/** The time between two turns of an owner, at ten messages a second. */
const TURN_MS = 100;
/** With this in place of a random number, a wait between attempts is as long as the definition says (core/values/backoff.ts). */
const NO_JITTER = 1;

/** The parts of a memory backend that a worker uses. */
export interface RunWorld {
  readonly store: MemoryStore;
  readonly changes: TaskChanges;
  readonly parents: ParentUpdates;
  readonly queues: MemoryQueues;
  readonly clock: { iso(ms?: number): string };
  readonly events: Emitter;
  readonly time: TestTime;
}

/** @throws ConfigError `invalid_options`; TaskError `handler_stuck` */
export async function runHandlers(world: RunWorld, handlings: readonly Handling[], options: RunOptions): Promise<void> {
  const names = handlings.map(({ definition }) => definition.name);
  refuseUnserved(world, names);
  if (names.length === 0) return;
  const { time } = world;
  const grace = toMilliseconds(options.grace ?? '5s', 'grace', { max: '7d' });
  const stop = new AbortController();
  const settings = { concurrency: 1, grace, drain: 0, stallInterval: 5_000 };
  const worker = new Worker(settings, portsOf(world, stop.signal));
  for (const { definition, handler } of handlings) {
    worker.handle(definition, (input, task) => {
      const deadline = options.jumpsToDeadline ? definition.deadline : null;
      return withJumps(time, { deadline, grace }, task, () => handler(input, task));
    });
  }
  const running = worker.run({ signal: stop.signal });
  const idle = world.queues.idle(names).then(() => world.parents.flush());
  const ended = Promise.race([idle, running]).finally(() => stop.abort());
  const stopped = ended.then(() => running);
  await Promise.all([time.pass(stopped), stopped]);
  refuseUnserved(world, names);
}

/** @throws ConfigError if a task waits that none of these handlers would run */
function refuseUnserved({ queues }: RunWorld, names: readonly string[]): void {
  const missing = queues.waitingNames.filter((name) => !names.includes(name));
  if (missing.length === 0) return;
  const what = `tasks wait whose handler is not known: ${missing.join(', ')}`;
  throw new ConfigError('invalid_options', `runAll: ${what}. Call backend.handle(definition, handler) for each.`);
}

/** Calls a handler. While it waits, the time may jump to its deadline (null: not there), and to where it is cut off. */
async function withJumps<T>(
  time: TestTime,
  { deadline, grace }: { readonly deadline: number | null; readonly grace: number },
  task: TaskContext,
  call: () => T,
): Promise<Awaited<T>> {
  const returned = new AbortController();
  if (deadline !== null) void time.delay(deadline, 'quiet', returned.signal);
  const jumpToCutOff = () => {
    void time.delay(grace, 'quiet', returned.signal);
    void time.delay(2 * grace, 'quiet', returned.signal);
  };
  task.signal.addEventListener('abort', jumpToCutOff, { once: true });
  try {
    return await call();
  } finally {
    returned.abort();
  }
}

function portsOf(world: RunWorld, stopped: AbortSignal): WorkerPorts {
  const { store, changes, queues, clock, events } = world;
  const { time } = world.time;
  return {
    store,
    hooks: null,
    changes,
    children: { create: (task, key) => changes.create(task, key), announce: () => undefined },
    queues,
    clock,
    events,
    time,
    turns: turnsOf(world.time),
    lookTimer: new LookTimer(time),
    accuracy: 0.01,
    random: () => NO_JITTER,
    onCancel: async (listener) => {
      const remove = store.onCancel(listener);
      stopped.addEventListener('abort', remove, { once: true });
    },
    passProbation: async () => undefined,
    startHeartbeat: () => ({
      begin: () => undefined,
      end: () => undefined,
      sharedBlockMs: 0,
      stop: async () => undefined,
    }),
    startSweeping: () => undefined,
    clockReady: async () => undefined,
    drainPushes: async () => undefined,
  };
}

/** One turn every 100 ms for each owner. */
function turnsOf({ time }: TestTime): Turns {
  const freeAt = new Map<string, number>();
  return {
    async takeTurn(owner, _key, { after, signal }) {
      const at = Math.max(time.elapsed() + after, freeAt.get(owner) ?? 0);
      await time.delay(at - time.elapsed(), signal);
      if (signal.aborted) return null;
      freeAt.set(owner, time.elapsed() + TURN_MS);
      return { end: () => undefined };
    },
  };
}
