// What the worker processes of the fault tests and of the chaos run do: they run the tasks of fault-tasks.ts.
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Backend, createBackend } from '../../../../backend/backend.ts';
import { pusherFromEnv } from '../../../../backend/push/bus/pusher-env.ts';
import { TaskError } from '../../../../core/error.ts';
import type { CheckpointedOf } from '../../../../core/tasks/definition.ts';
import { createTaskWorker, type TaskWorker } from '../../../../worker/task-worker.ts';
import { block, blockLate, deaf, family, flaky, keyed, late, poison, rows, steps } from './fault-tasks.ts';

/** A checkpoint of the task `rows`. `by` names the attempt that gave it. */
export type RowsCheckpoint = NonNullable<CheckpointedOf<typeof rows>>;

export interface FaultWorkerOptions {
  /** Called before the worker runs. */
  readonly prepare?: (backend: Backend, worker: TaskWorker) => void;
  /** Called when an attempt `by` of the task `rows` begins. `from`: what it goes on from. */
  readonly onRows?: (task: string, by: string, from: RowsCheckpoint | null) => void;
}

/** Runs until SIGTERM, then ends the process. */
export async function runFaultWorker({
  prepare = () => {},
  onRows = () => {},
}: FaultWorkerOptions = {}): Promise<void> {
  const shutdown = new AbortController();
  process.on('SIGTERM', () => shutdown.abort());

  const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
  const worker = createTaskWorker({
    backend,
    concurrency: 4,
    drain: `${Number(process.env.DRAIN_MS ?? 500)}ms`,
    grace: '300ms',
    stallInterval: `${Number(process.env.STALL_MS ?? 1_000)}ms`,
  });
  handleAll(worker, onRows);
  prepare(backend, worker);
  const running = worker.run({ signal: shutdown.signal });
  await backend.redis.probeWrite().catch(() => undefined);
  console.log('worker ready');
  try {
    await running;
    await backend.close();
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(70);
  }
}

/** Gives the worker a handler for each task of fault-tasks.ts. */
function handleAll(worker: TaskWorker, onRows: NonNullable<FaultWorkerOptions['onRows']>): void {
  worker.handle(steps, async (input, task) => {
    for (let done = 1; done <= input.steps; done++) {
      // A later attempt is quick, so that a first one may be long enough to be interrupted.
      await wait(task.attempt === 1 ? input.ms : input.ms / 10, undefined, { signal: task.signal });
      task.progress({ done, total: input.steps });
    }
    // Every element is done, and the outcome comes 150 ms later: a handler that tidies up.
    await wait(150, undefined, { signal: task.signal });
    return { steps: input.steps, attempt: task.attempt };
  });
  worker.handle(rows, async (input, task) => {
    const by = randomUUID();
    onRows(task.id, by, task.checkpointed ?? null);
    let { row, sum } = task.checkpointed ?? { row: 0, sum: 0 };
    const from = row;
    while (row < input.rows) {
      await wait(input.ms, undefined, { signal: task.signal });
      row += 1;
      sum += row;
      task.checkpoint({ row, sum, by });
      task.progress({ done: row, total: input.rows });
    }
    return { sum, from };
  });
  worker.handle(poison, async () => {
    await wait(20);
    process.kill(process.pid, 'SIGKILL');
  });
  worker.handle(block, async (input, task) => {
    if (task.attempt === 1) blockFor(input.ms);
    task.progress({ done: task.attempt, total: 10 });
    return task.attempt;
  });
  worker.handle(blockLate, async (input) => {
    // Lets other tasks of this worker start first.
    await wait(300);
    blockFor(input.ms);
  });
  worker.handle(deaf, async (input) => {
    await wait(input.ms);
  });
  worker.handle(late, async (input, task) => {
    await wait(60_000, undefined, input.deaf ? {} : { signal: task.signal });
  });
  worker.handle(flaky, async (input, task) => {
    if (task.attempt <= input.failures) throw new TaskError('flaky', `Attempt ${task.attempt} failed.`);
    return task.attempt;
  });
  worker.handle(family, async ({ children, failing, ms }, task) => {
    for (let n = 0; n < children; n++) {
      await wait(ms, undefined, { signal: task.signal });
      if (n < failing) await task.start(flaky, { failures: 3 });
      else await task.start(steps, { steps: 2, ms });
    }
    return { started: children };
  });
  worker.handle(keyed, async ({ ms }, task) => {
    await wait(Number(process.env.KEYED_MS ?? ms), undefined, { signal: task.signal });
  });
}

/** Keeps the event loop busy for `ms`. */
function blockFor(ms: number): void {
  const end = Date.now() + ms;
  while (Date.now() < end);
}
