// bee-queue as queue-only, pusher-per-element and status-row use it: with the settings that its documentation recommends
// for speed, and without finished jobs in memory.
import Queue from 'bee-queue';
import type { StackEnv } from './stack.ts';
import type { TaskInput } from './task.ts';

const STALL_INTERVAL_MS = 5_000;

/** Adds jobs. */
export interface BeeProducer {
  /** @returns the id of the job */
  add(input: TaskInput): Promise<string>;
  close(): Promise<void>;
}

/** Connects a producer. Resolves when it is ready. */
export async function createProducer(env: StackEnv): Promise<BeeProducer> {
  const queue = new Queue<TaskInput>('import', {
    redis: { url: env.REDIS_URL as string },
    isWorker: false,
    getEvents: false,
    sendEvents: false,
    storeJobs: false,
  });
  await queue.ready();
  return {
    add: async (input) => (await queue.createJob(input).retries(2).save()).id,
    close: () => queue.close(),
  };
}

/** Runs `handle` for each job. A job whose worker has died is found within 10 s, two stall intervals, and run again. */
export async function consume(
  env: StackEnv,
  concurrency: number,
  handle: (input: TaskInput, id: string) => Promise<unknown>,
): Promise<{ close(): Promise<void> }> {
  const queue = new Queue<TaskInput>('import', {
    redis: { url: env.REDIS_URL as string },
    getEvents: false,
    sendEvents: false,
    storeJobs: false,
    removeOnSuccess: true,
    stallInterval: STALL_INTERVAL_MS,
  });
  await queue.ready();
  queue.process(concurrency, (job) => handle(job.data, job.id));
  queue.checkStalledJobs(STALL_INTERVAL_MS).catch((error: Error) => console.error(error.message));
  return { close: () => queue.close(1_000) };
}
