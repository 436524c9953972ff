/**
 * The only file that knows bee-queue. It serves the store's scripts (which add jobs) and the worker (which takes them).
 *
 * A job is a name on a list and nothing else: what is to be done, and whether it still is, says the record.
 * bee-queue gives us the list, the hand-over to one worker at a time, delays, and the redelivery of jobs
 * whose worker died. Its retries, events, results and progress stay off; the record knows them better.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Queue from 'bee-queue';
import lua from 'bee-queue/lib/lua/index.js';
import { delay, withDeadline } from './async.ts';
import { type Log, Outage } from './log.ts';

/** A stalled job is found within two of bee-queue's intervals and two checks; this keeps that under 2 × ours. */
const STALL_SHARE = 0.9;
const STALL_CHECK_MS = 250;
/** Redis may lose a wake-up for delayed jobs (a restart); then they are looked for this often. */
const DELAYED_CHECK_MS = 1_000;
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

/** What bee-queue keeps for a job. Ours have nothing in them, see above. */
const JOB_DATA = '{"data":{},"options":{},"status":"created"}';

const readScript = (name: string) =>
  readFileSync(createRequire(import.meta.url).resolve(`bee-queue/lib/lua/${name}.lua`), 'utf8');

/**
 * Lua that defines `addJob(queue, job, at)`, so that the script that stores a task which waits for a job adds that job
 * in the same step: bee-queue's own scripts, as functions. `queue` is what `queueKey` gives, `job` an id; `at` is when
 * the job is due, in ms since the epoch, or '' for at once. A job that is there already is left alone.
 */
export const ADD_JOB = `
local function addJobNow(KEYS, ARGV)
${readScript('addJob')}
end
local function addJobLater(KEYS, ARGV)
${readScript('addDelayedJob')}
end
local function addJob(queue, job, at)
  local id, jobs, data = queue .. 'id', queue .. 'jobs', '${JOB_DATA}'
  if at == '' then addJobNow({id, jobs, queue .. 'waiting'}, {job, data})
  else addJobLater({id, jobs, queue .. 'delayed', queue .. 'earlierDelayed'}, {job, data, at}) end
end
`;

/** Where the queue of a task definition begins its keys. @param prefix before every key of ours */
export function queueKey(prefix: string, name: string): string {
  return `${queuePrefix(prefix)}:${name}:`;
}

function queuePrefix(prefix: string): string {
  return `${prefix}queue`;
}

/** One queue per task definition. */
export class JobQueues {
  readonly #options: QueueOptions;
  readonly #outage: Outage;
  #closed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#outage = new Outage(options.log, 'Redis (queue)');
  }

  /** Delivers jobs of `name` to `handler`, which must not reject. Keeps trying while Redis is away. */
  async consume(name: string, options: ConsumeOptions, handler: (job: string) => Promise<void>): Promise<Consumer> {
    const connected = await this.#build(name, Math.max(Math.floor(options.stallInterval * STALL_SHARE), 1));
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
    takeJobs(queue, options.concurrency, handler);
    void queue.checkStalledJobs(Math.min(STALL_CHECK_MS, options.stallInterval / 4));
    return { close: (limit) => end(connected, limit) };
  }

  /** Consumers are closed by who has them; this ends the search for a Redis that they still wait for. */
  close(): void {
    this.#closed = true;
  }

  async #build(name: string, stallInterval: number): Promise<Connected> {
    const life = { isOver: false };
    // An error is the only way to make a client that is looking for Redis stop.
    const retry = ({ attempt }: { attempt: number }) =>
      life.isOver || this.#closed ? new Error('closed') : Math.min(50 * 2 ** attempt, 1_000);
    for (;;) {
      if (this.#closed) throw new Error('closed');
      const queue = new Queue(name, {
        prefix: queuePrefix(this.#options.prefix),
        isWorker: true,
        activateDelayedJobs: true,
        nearTermWindow: DELAYED_CHECK_MS,
        delayedDebounce: 100,
        stallInterval,
        getEvents: false,
        sendEvents: false,
        storeJobs: false,
        removeOnSuccess: true,
        removeOnFailure: true,
        initialRedisFailureRetryDelay: 100,
        redis: {
          url: this.#options.url,
          retry_strategy: retry,
          connect_timeout: NEVER_GIVE_UP_MS,
          // What is under way when Redis goes must be said when it is back: jobs done, signs of life.
          enable_offline_queue: true,
        },
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

/** Closes a queue: waits at most `limit` ms for its jobs, and hardly longer for Redis. Never rejects. */
async function end({ queue, life }: Connected, limit: number): Promise<void> {
  // bee-queue waits 5 s instead where it is told a fraction.
  await withDeadline(queue.close(Math.ceil(limit)), limit + QUIT_MS).catch(() => undefined);
  life.isOver = true;
}

/**
 * Takes jobs, with two commands fewer for each than bee-queue sends by itself.
 * - It reads what it keeps for the job, and we know what that is. So a job that is delivered once more after its end gets
 *   to the handler too, and goes; bee-queue would hand it round for ever.
 * - It gives a sign of life when a job begins, and then twice an interval. The first is not needed: whom one check saw at
 *   work, the next looks for, an interval later.
 */
function takeJobs(queue: Queue, concurrency: number, handler: (job: string) => Promise<void>): void {
  const internals = queue as unknown as QueueInternals;
  internals.client.hget = (_key, _job, done) => done(null, JOB_DATA);
  const begun = new Set<string>();
  const giveSign = internals._preventStall.bind(queue);
  internals._preventStall = async (job) => {
    if (begun.has(job)) await giveSign(job);
    else begun.add(job);
  };
  queue.process(concurrency, ({ id }) => handler(id).finally(() => begun.delete(id)));
}

/** What bee-queue 2.0 has and its types leave out. */
interface QueueInternals {
  readonly client: {
    on(event: 'ready', listener: () => void): void;
    hget(key: string, job: string, done: (error: null, data: string) => void): void;
  };
  _doStalledJobCheck(): Promise<number>;
  _preventStall(job: string): Promise<unknown>;
}

function queueClient(queue: Queue): QueueInternals['client'] {
  return (queue as unknown as QueueInternals).client;
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.includes('NOSCRIPT');
}
