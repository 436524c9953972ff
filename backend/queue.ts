/**
 * The only file that knows bee-queue. It serves the server (adds jobs) and the worker (takes them).
 *
 * A job is a name on a list and nothing else: what is to be done, and whether it still is, says the record.
 * bee-queue gives us the list, the hand-over to one worker at a time, delays, and the redelivery of jobs
 * whose worker died. Its retries, events, results and progress stay off; the record knows them better.
 */

import Queue from 'bee-queue';
import lua from 'bee-queue/lib/lua/index.js';
import { delay, withDeadline } from './async.ts';
import { type Log, Outage } from './log.ts';

/** A stalled job is found within two of bee-queue's intervals and two checks; this keeps that under 2 × ours. */
const STALL_SHARE = 0.9;
const STALL_CHECK_MS = 250;
/** Redis may lose a wake-up for delayed jobs (a restart); then they are looked for this often. */
const DELAYED_CHECK_MS = 1_000;
const ADD_DEADLINE_MS = 1_500;
const REBUILD_DELAY_MS = 500;
/** How long Redis may take to say goodbye. */
const QUIT_MS = 500;
/** bee-queue's client gives up for good once it has tried for this long, an hour unless told; this is the most a timer takes. */
const NEVER_GIVE_UP_MS = 2 ** 31 - 1;

export interface QueueOptions {
  readonly url: string;
  /** Before every key, for example `inloop:`. */
  readonly prefix: string;
  readonly log: Log;
}

export interface ConsumeOptions {
  /** How many jobs run at once. */
  readonly concurrency: number;
  /** After how many ms without a sign of life a job counts as stalled, at most twice that. */
  readonly stallInterval: number;
  /** A job's worker seems to be gone; the job will be delivered again. */
  readonly onStalled: (job: string) => void;
}

/** Takes jobs until closed. */
export interface Consumer {
  /** Stops taking jobs at once; resolves when those under way are done, or after `limit` ms. Never rejects. */
  close(limit: number): Promise<void>;
}

/** One queue per task definition. */
export class JobQueues {
  readonly #options: QueueOptions;
  readonly #outage: Outage;
  readonly #producers = new Map<string, Promise<Producer>>();
  #closed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#outage = new Outage(options.log, 'Redis (queue)');
  }

  /**
   * Puts a job on the list of `name`, to be delivered at `at` (ms since the epoch) or at once.
   * Adding a job that is there already is harmless. Rejects within 1.5 s when Redis does not answer; the job
   * may then still be added later.
   */
  async add(name: string, job: string, at?: number): Promise<void> {
    await withDeadline(this.#add(name, job, at), ADD_DEADLINE_MS);
    this.#outage.succeeded();
  }

  async #add(name: string, job: string, at: number | undefined): Promise<void> {
    const producer = await this.#producer(name);
    await new Promise<void>((resolve, reject) => {
      producer.adding.push({ job, at, resolve, reject });
      if (!producer.isAdding) void this.#saveAll(producer);
    });
  }

  /** Saves what is to be added: what comes while one request to Redis is under way shares the next. */
  async #saveAll(producer: Producer): Promise<void> {
    producer.isAdding = true;
    while (producer.adding.length > 0) {
      const adding = producer.adding.splice(0);
      try {
        let failures = await save(producer.queue, adding);
        if ([...failures.values()].some(isNoScript)) {
          await lua.buildCache(queueClient(producer.queue));
          failures = await save(producer.queue, adding);
        }
        for (const each of adding) {
          const error = failures.get(each.job);
          if (error === undefined) each.resolve();
          else each.reject(error);
        }
      } catch (error) {
        for (const { reject } of adding) reject(error);
      }
    }
    producer.isAdding = false;
  }

  /** Delivers jobs of `name` to `handler`, which must not reject. Keeps trying while Redis is away. */
  async consume(name: string, options: ConsumeOptions, handler: (job: string) => Promise<void>): Promise<Consumer> {
    const connected = await this.#build(
      name,
      {
        isWorker: true,
        activateDelayedJobs: true,
        nearTermWindow: DELAYED_CHECK_MS,
        delayedDebounce: 100,
        stallInterval: Math.max(Math.floor(options.stallInterval * STALL_SHARE), 1),
      },
      // What is under way when Redis goes must be said when it is back: jobs done, signs of life.
      { enable_offline_queue: true },
    );
    const { queue } = connected;
    // bee-queue starts to take jobs only if this first check works, and a later failure goes unhandled.
    const internals = queue as unknown as QueueInternals;
    const check = internals._doStalledJobCheck.bind(queue);
    internals._doStalledJobCheck = () =>
      check().catch((error: Error) => {
        this.#failed(queue, error);
        return 0;
      });
    queue.on('stalled', options.onStalled);
    queue.process(options.concurrency, (job) => handler(job.id));
    void queue.checkStalledJobs(Math.min(STALL_CHECK_MS, options.stallInterval / 4));
    return { close: (limit) => end(connected, limit) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      [...this.#producers.values()].map((producer) =>
        producer.then(
          (connected) => end(connected, QUIT_MS),
          () => undefined,
        ),
      ),
    );
  }

  #producer(name: string): Promise<Producer> {
    let producer = this.#producers.get(name);
    if (!producer) {
      // A save that waits for Redis to return would be done long after its caller was told no.
      producer = this.#build(name, { isWorker: false }, { enable_offline_queue: false }).then((connected) => ({
        ...connected,
        adding: [],
        isAdding: false,
      }));
      // Whoever waits for it hears of it; nobody may.
      producer.catch(() => undefined);
      this.#producers.set(name, producer);
    }
    return producer;
  }

  async #build(name: string, settings: Queue.QueueSettings, client: object): Promise<Connected> {
    const life = { isOver: false };
    // An error is the only way to make a client that is looking for Redis stop.
    const retry = ({ attempt }: { attempt: number }) =>
      life.isOver || this.#closed ? new Error('closed') : Math.min(50 * 2 ** attempt, 1_000);
    for (;;) {
      if (this.#closed) throw new Error('closed');
      const queue = new Queue(name, {
        prefix: `${this.#options.prefix}queue`,
        getEvents: false,
        sendEvents: false,
        storeJobs: false,
        removeOnSuccess: true,
        removeOnFailure: true,
        initialRedisFailureRetryDelay: 100,
        ...settings,
        redis: { url: this.#options.url, retry_strategy: retry, connect_timeout: NEVER_GIVE_UP_MS, ...client },
      } as Queue.QueueSettings);
      // Without a listener the first lost connection would end the process.
      queue.on('error', (error) => {
        if (!life.isOver && !this.#closed) this.#failed(queue, error);
      });
      try {
        await queue.ready();
      } catch {
        // A queue whose first connection fails never becomes ready, so it is thrown away.
        await delay(REBUILD_DELAY_MS);
        continue;
      }
      const redis = queueClient(queue);
      redis.on('ready', () => {
        this.#outage.succeeded();
        this.#loadScripts(queue);
      });
      return { queue, life };
    }
  }

  #failed(queue: Queue, error: Error): void {
    // Redis has been restarted: it answers, but what bee-queue loaded is gone.
    if (isNoScript(error)) this.#loadScripts(queue);
    else this.#outage.failed(error.message);
  }

  #loadScripts(queue: Queue): void {
    lua.buildCache(queueClient(queue)).catch((error: Error) => this.#outage.failed(error.message));
  }
}

/** A queue, and whether it is still wanted: its clients look for Redis as long as it is. */
interface Connected {
  readonly queue: Queue;
  readonly life: { isOver: boolean };
}

/** A queue that jobs are added to. */
interface Producer extends Connected {
  /** What the next request to Redis will add. */
  readonly adding: Adding[];
  isAdding: boolean;
}

/** A job to add, and who waits for that. */
interface Adding {
  readonly job: string;
  readonly at: number | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

/** Adds jobs in one request. Returns, by job, why Redis would not. */
async function save(queue: Queue, adding: readonly Adding[]): Promise<ReadonlyMap<string, unknown>> {
  const jobs = adding.map(({ job, at }) => {
    const created = queue.createJob({}).setId(job);
    return at !== undefined && at > Date.now() ? created.delayUntil(at) : created;
  });
  const failures = await queue.saveAll(jobs);
  return new Map([...failures].map(([{ id }, error]) => [id, error]));
}

/** Closes a queue: waits at most `limit` ms for its jobs, and hardly longer for Redis. Never rejects. */
async function end({ queue, life }: Connected, limit: number): Promise<void> {
  await withDeadline(queue.close(limit), limit + QUIT_MS).catch(() => undefined);
  life.isOver = true;
}

/** What bee-queue 2.0 has and its types leave out. */
interface QueueInternals {
  readonly client: { on(event: 'ready', listener: () => void): void };
  _doStalledJobCheck(): Promise<number>;
}

function queueClient(queue: Queue): QueueInternals['client'] {
  return (queue as unknown as QueueInternals).client;
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.includes('NOSCRIPT');
}
