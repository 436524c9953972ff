// The set-up of the tests of the queue: a Redis of its own for each test, so that they can run at the same time.
import { createClient } from '@redis/client';
import { Events } from '../../../backend/events/events.ts';
import { ADD_JOB, queueKey } from '../../../backend/queue/bee-queue/scripts.ts';
import { type ConsumeOptions, type Consumer, JobQueues } from '../../../backend/queue/queue.ts';
import { eventually } from '../eventually.ts';
import { recordLog } from '../log.ts';
import { startRedis, type TestRedis } from './redis.ts';

/** The definition that the jobs belong to. */
export const NAME = 'import';
/** `leftInRedis` when no job is left. */
export const NOTHING = { waiting: 0, active: 0, delayed: 0, jobs: 0 };
const PREFIX = 'own:';

const rawClient = (url: string) => createClient({ url });

/** A job that a consumer got, and when (milliseconds since 1970). */
export interface Taken {
  readonly job: string;
  readonly at: number;
}

/** What a test of the queue gets. */
export interface QueueWorld {
  readonly server: TestRedis;
  readonly prefix: string;
  readonly log: ReturnType<typeof recordLog>;
  /** What all consumers of this process got, in order. */
  readonly taken: readonly Taken[];
  /** The jobs whose worker seemed to be gone. */
  readonly stalled: readonly string[];
  takenJobs(): string[];
  /** Other queues on the same Redis, as another process has them; closed after the test. Default of `url`: the Redis. */
  connect(url?: string): JobQueues;
  /**
   * Consumes jobs. The consumer is closed after the test.
   *
   * @param handler resolves to true if the job has left the queue already. Default: it does nothing
   * @param over options that differ from: four jobs at once, a stall interval of 500 ms
   * @param queues where it listens. Default: the queues of this world
   */
  consume(
    handler?: (job: string) => Promise<unknown>,
    over?: Partial<ConsumeOptions>,
    queues?: JobQueues,
  ): Promise<Consumer>;
  /** Adds a job as the store's scripts do. @param options `at`: when it is due, in ms since 1970. Default: at once */
  add(job: string, options?: { readonly at?: number; readonly name?: string }): Promise<void>;
  /** Waits until a consumer has got `job`. */
  whenTaken(job: string, within?: number): Promise<Taken>;
  /** What bee-queue still holds of the jobs. */
  leftInRedis(): Promise<typeof NOTHING>;
  /** Calls `use` with a plain client of the Redis. */
  withRaw<T>(use: (client: ReturnType<typeof rawClient>) => Promise<T>): Promise<T>;
}

/**
 * The body of a test that gets a queue of its own.
 *
 * @example it.concurrent('a job is delivered', withQueue(async ({ consume, add, whenTaken }) => { … }))
 */
export function withQueue(test: (world: QueueWorld) => Promise<void>): () => Promise<void> {
  return async () => {
    const server = await startRedis();
    const opened: JobQueues[] = [];
    const consumers: Consumer[] = [];
    try {
      await test(worldOn(server, opened, consumers));
    } finally {
      await Promise.all(consumers.map((consumer) => consumer.close(1_000)));
      for (const queues of opened) queues.close();
      await server.stop();
    }
  };
}

/** A world on `server`. It adds the queues that it opens to `opened`, and its consumers to `consumers`. */
function worldOn(server: TestRedis, opened: JobQueues[], consumers: Consumer[]): QueueWorld {
  const log = recordLog();
  const taken: Taken[] = [];
  const stalled: string[] = [];
  const connect: QueueWorld['connect'] = (url = server.url) => {
    const queues = new JobQueues({ url, prefix: PREFIX, events: new Events(log), clock: { now: Date.now } });
    opened.push(queues);
    return queues;
  };
  const withRaw: QueueWorld['withRaw'] = async (use) => {
    const client = rawClient(server.url);
    await client.connect();
    try {
      return await use(client);
    } finally {
      client.destroy();
    }
  };
  const own = connect();
  return {
    ...{ server, prefix: PREFIX, log, taken, stalled, connect, withRaw },
    takenJobs: () => taken.map(({ job }) => job),
    async consume(handler = async () => undefined, over = {}, queues = own) {
      const onStalled = (job: string) => stalled.push(job);
      const options = { concurrency: 4, stallInterval: 500, onStalled, ...over };
      const consumer = await queues.consume(NAME, options, async (job) => {
        taken.push({ job, at: Date.now() });
        return (await handler(job)) === true;
      });
      consumers.push(consumer);
      return consumer;
    },
    add: (job, { at, name = NAME } = {}) =>
      withRaw(async (client) => {
        await client.eval(`${ADD_JOB}\naddJob(ARGV[1], ARGV[2], ARGV[3])`, {
          arguments: [queueKey(PREFIX, name), job, at === undefined ? '' : String(at)],
        });
      }),
    whenTaken: (job, within = 5_000) =>
      eventually(() => taken.find((one) => one.job === job), { within, that: `job ${job}` }),
    leftInRedis: () => withRaw(countLeft),
  };
}

/** How many entries of the queue are left in Redis, by kind. */
async function countLeft(client: ReturnType<typeof rawClient>): Promise<typeof NOTHING> {
  const key = (kind: string) => queueKey(PREFIX, NAME) + kind;
  return {
    waiting: await client.lLen(key('waiting')),
    active: await client.lLen(key('active')),
    delayed: await client.zCard(key('delayed')),
    jobs: await client.hLen(key('jobs')),
  };
}
