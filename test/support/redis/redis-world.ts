// A server and a worker on a given Redis, with a fake bus that takes everything. For tests of how both handle that Redis.
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import type { BackendOptions } from '../../../backend/options.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { createTaskServer, type TaskServer } from '../../../server/task-server.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { startBusSwitch } from '../bus/bus-switch.ts';
import { eventually } from '../eventually.ts';
import { type RecordingLog, recordLog } from '../log.ts';
import { backendOn } from '../parts.ts';

/** Fails in its first `failures` attempts. The next attempt takes `ms`, and succeeds. */
export const work = defineTask({
  name: 'work',
  input: z.object({ ms: z.number(), failures: z.number() }),
  attempts: 3,
  backoff: { initial: 100 },
});

const STALL_MS = 1_000;

export interface RedisWorld {
  readonly server: Backend;
  readonly tasks: TaskServer;
  readonly logs: { readonly server: RecordingLog; readonly worker: RecordingLog };
  /** How often a handler was called, by task. */
  readonly runs: ReadonlyMap<string, number>;
  /** Starts a task {@link work} of `ada`. Default: it returns at once. */
  start(input?: { readonly ms?: number; readonly failures?: number }): Promise<Snapshot>;
  /** Waits until the task has the status, 15 s at most. */
  reaches(id: string, status: Snapshot['status']): Promise<Snapshot>;
  /**
   * Starts a task, trying until it is accepted, and waits until it succeeded. Returns how long both took, in ms. Rejects when
   * both take longer than `within` ms.
   */
  runOneTask(within: number): Promise<number>;
  close(): Promise<void>;
}

/** Starts a server and a worker on `redis`. `options` are for the backends of both. */
export async function startRedisWorld(
  redis: BackendOptions['redis'],
  options: Partial<BackendOptions> = {},
): Promise<RedisWorld> {
  const bus = await startBusSwitch();
  const logs = { server: recordLog(), worker: recordLog() };
  const server = backendOn(bus.env, { redis, log: logs.server, ...options });
  const workerBackend = backendOn(bus.env, { redis, log: logs.worker, ...options });
  const tasks = createTaskServer({ backend: server, tasks: [work], identify: () => 'ada' });
  const stop = new AbortController();
  const runs = new Map<string, number>();
  const worker = createTaskWorker({ backend: workerBackend, stallInterval: STALL_MS, drain: '1s', grace: '100ms' });
  worker.handle(work, async ({ ms, failures }, task) => {
    runs.set(task.id, (runs.get(task.id) ?? 0) + 1);
    if (task.attempt <= failures) throw new Error('this attempt was to fail');
    const end = performance.now() + ms;
    for (let done = 0; performance.now() < end; done++) {
      task.progress({ done });
      await new Promise((resolve) => setTimeout(resolve, 20));
      task.signal.throwIfAborted();
    }
    return null;
  });
  const running = worker.run({ signal: stop.signal });
  const start: RedisWorld['start'] = (input) => tasks.start(work, { ms: 0, failures: 0, ...input }, { owner: 'ada' });
  return {
    server,
    tasks,
    logs,
    runs,
    start,
    reaches: (id, status) =>
      eventually(
        async () => {
          const snapshot = await tasks.tasks.get('ada', id);
          return snapshot.status === status && snapshot;
        },
        { within: 15_000, every: 50, that: `task ${id} to be ${status}` },
      ),
    async runOneTask(within) {
      const began = performance.now();
      const { id } = await eventually(() => start(), { within, every: 100, that: 'a task to be accepted' });
      await eventually(async () => (await tasks.tasks.get('ada', id)).status === 'succeeded', {
        within: Math.max(within - (performance.now() - began), 100),
        every: 50,
        that: 'the accepted task to be done',
      });
      return performance.now() - began;
    },
    async close() {
      stop.abort();
      await running.catch(() => undefined);
      await Promise.all([server.close(), workerBackend.close()]);
      await bus.close();
    },
  };
}
