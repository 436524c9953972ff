/**
 * The only file that runs bee-queue. It serves the worker, which takes jobs. The task store adds them, by the scripts in
 * `bee-queue/scripts.ts` and `line-scripts.ts`.
 *
 * A job is an id on a list and nothing else. The task's record says what is to be done, and whether it is still wanted.
 * bee-queue gives us the list, the hand-over of a job to one worker, and the redelivery of jobs whose worker died. Its
 * retries, events, results and progress are switched off, since the task's record has them.
 */

import Queue from 'bee-queue';
import { withDeadline } from '../async.ts';
import type { Clock } from '../clock.ts';
import type { Emitter } from '../events/events.ts';
import { parseRedisAddress, type RedisAddress, type RedisEndpoint } from '../redis/address.ts';
import { ClosedError } from '../redis/fault.ts';
import { RedisTrouble } from '../redis/trouble.ts';
import { taskKey } from '../store/keys.ts';
import type { StoredFields } from '../store/record.ts';
import { checkBeeQueueOnce } from './bee-queue/contract.ts';
import { QueueClient } from './bee-queue/queue-client.ts';
import { queueKey, queuePrefix } from './bee-queue/scripts.ts';
import { DelayedJobs } from './delayed/delayed-jobs.ts';
import { lineKeys } from './line-scripts.ts';

/**
 * bee-queue finds a stalled job within two of its intervals and two checks. We give it a shorter interval than ours, so that
 * this takes less than two of ours. Example: for 5 s it gets 4.5 s, and 2 × 4.5 s + 2 × 0.25 s = 9.5 s.
 */
const STALL_SHARE = 0.9;
const STALL_CHECK_MS = 250;
/** bee-queue sends a keep-alive for each job twice in a stall interval: within a little more than half of one. */
const KEEP_ALIVE_SHARE = 0.6;
/** bee-queue's first keep-alive of a job is left out if the job was taken less than this share of a stall interval ago. */
const FRESH_SHARE = 0.1;
/** How much later than this process others may reconnect to Redis. */
const OTHERS_RECONNECT_MS = 1_200;
/** How long Redis may take to close a connection. */
const QUIT_MS = 500;

export interface QueueOptions {
  /** Checked already, see `parseRedisAddress`. */
  readonly url: string | RedisEndpoint;
  /** Before every key, for example `inloop:`. */
  readonly prefix: string;
  /** Resolves when Redis was inspected and may be used. Default: it may be used at once. */
  readonly permit?: () => Promise<void>;
  readonly events: Emitter;
  /** Redis' clock, by which delayed jobs are due. */
  readonly clock: Pick<Clock, 'now'>;
}

export interface ConsumeOptions {
  /** How many jobs run at once. */
  readonly concurrency: number;
  /** A job without a keep-alive for this long, in ms, is stalled. It is found after at most twice this time. */
  readonly stallInterval: number;
  /** Called when a job's worker seems to be gone. The job will be delivered again. */
  readonly onStalled?: (job: string) => void;
}

/**
 * Does what a job asks for. Must not reject. `fields` has what a worker needs of the job's task (`WANTED_TO_START`), if that was
 * read when the job was taken. Resolves to whether the job is off the queue already: the script that stores an outcome takes it
 * off in the same step. If it is not, it is taken off now.
 */
export type JobHandler = (job: string, fields?: StoredFields) => Promise<boolean>;

/** Takes jobs until closed. */
export interface Consumer {
  /** Stops taking jobs at once. Resolves when the running ones are done, or after `limit` ms. Never rejects. */
  close(limit: number): Promise<void>;
}

/** One queue per task definition. */
export class JobQueues {
  readonly #options: QueueOptions;
  readonly #address: RedisAddress;
  readonly #trouble: RedisTrouble;
  readonly #clients = new Set<QueueClient>();
  #isClosed = false;

  /** @throws ConfigError `invalid_dependency` if another bee-queue is installed than the one inloop relies on */
  constructor(options: QueueOptions) {
    checkBeeQueueOnce();
    this.#options = options;
    this.#address = parseRedisAddress(options.url);
    this.#trouble = new RedisTrouble(options.events, 'queue');
  }

  /**
   * Delivers jobs of `name` to `handler`. Keeps trying while Redis is away.
   * @throws ClosedError if {@link close} was called before Redis could be reached
   */
  async consume(name: string, options: ConsumeOptions, handler: JobHandler): Promise<Consumer> {
    if (this.#isClosed) throw new ClosedError();
    const { prefix, clock, permit } = this.#options;
    const onFault = (error: unknown): void => {
      if (!this.#isClosed && this.#clients.has(client)) this.#trouble.failed(error);
    };
    const connection = { address: this.#address, onFault, ...(permit ? { permit } : {}) };
    const keys = { queue: queueKey(prefix, name), line: lineKeys(prefix, name), taskPrefix: taskKey(prefix, '') };
    const client: QueueClient = new QueueClient({
      ...connection,
      ...keys,
      freshFor: FRESH_SHARE * options.stallInterval,
      graceAfterReconnect: KEEP_ALIVE_SHARE * options.stallInterval + OTHERS_RECONNECT_MS,
      onSuccess: () => this.#trouble.succeeded(),
    });
    this.#clients.add(client);
    const queue = createQueue(name, prefix, options.stallInterval, client);
    // Without a listener the first error would end the process.
    queue.on('error', onFault);
    try {
      await queue.ready();
    } catch {
      // The client waits for Redis however long it takes, so this means that it was closed.
      throw new ClosedError();
    }
    const delayed = new DelayedJobs({ ...connection, ...keys, client, clock });
    delayed.start();
    if (options.onStalled) queue.on('stalled', options.onStalled);
    queue.process(options.concurrency, async ({ id }) => {
      if (await handler(id, client.fieldsOfTaken(id))) client.noteEnded(id);
    });
    // A whole number: bee-queue looks only once if it is given another one.
    const checkEvery = Math.ceil(Math.min(STALL_CHECK_MS, options.stallInterval / 4));
    void queue.checkStalledJobs(checkEvery).catch(onFault);
    return {
      close: async (limit) => {
        delayed.close();
        // bee-queue takes whole numbers only, and waits 5 s for anything else.
        await withDeadline(queue.close(Math.ceil(limit)), limit + QUIT_MS).catch(() => undefined);
        client.disconnect();
        this.#clients.delete(client);
      },
    };
  }

  /** Makes every `consume` that still waits for Redis reject. Whoever has a consumer closes it. */
  close(): void {
    this.#isClosed = true;
    for (const client of this.#clients) client.disconnect();
  }
}

/** bee-queue's queue, with everything switched off that the task's record has. */
function createQueue(name: string, prefix: string, stallInterval: number, client: QueueClient): Queue {
  return new Queue(name, {
    prefix: queuePrefix(prefix),
    isWorker: true,
    activateDelayedJobs: false,
    // Otherwise bee-queue reads its scripts from files. They are in our client (bee-queue/queue-client.ts).
    ensureScripts: false,
    stallInterval: Math.max(Math.floor(stallInterval * STALL_SHARE), 1),
    getEvents: false,
    sendEvents: false,
    storeJobs: false,
    removeOnSuccess: true,
    removeOnFailure: true,
    redis: client,
  } as unknown as Queue.QueueSettings);
}
