/**
 * The only file that runs bee-queue. It serves the worker, which takes jobs. The task store adds them, by the scripts in
 * `queue-scripts.ts`.
 *
 * A job is a name on a list and nothing else. What is to be done, and whether it still is, says the task's record.
 * bee-queue gives us the list, the hand-over of a job to one worker, and the redelivery of jobs whose worker died. Its
 * retries, events, results and progress stay off, since the record knows them better.
 */

import Queue from 'bee-queue';
import { withDeadline } from '../async.ts';
import type { Clock } from '../clock.ts';
import type { Emitter } from '../events/events.ts';
import { parseRedisAddress, type RedisAddress, type RedisEndpoint } from '../redis/address.ts';
import { RedisTrouble } from '../redis/trouble.ts';
import { checkBeeQueueOnce } from './bee-queue-contract.ts';
import { DelayedJobs } from './delayed-jobs.ts';
import { QueueClient } from './queue-client.ts';
import { queueKey, queuePrefix } from './queue-scripts.ts';

/** A stalled job is found within two of bee-queue's intervals and two checks. This keeps that under 2 × our interval. */
const STALL_SHARE = 0.9;
const STALL_CHECK_MS = 250;
/** A worker gives a sign of life for a job twice an interval; this is a little more than half of one. */
const SIGN_SHARE = 0.6;
/** By how much other workers may find Redis again later than we do. */
const OTHERS_RECONNECT_MS = 1_200;
/** How long Redis may take to close a connection. */
const QUIT_MS = 500;

export interface QueueOptions {
  /** Checked already, see `parseRedisAddress`. */
  readonly url: string | RedisEndpoint;
  /** Before every key, for example `inloop:`. */
  readonly prefix: string;
  /** Resolves when Redis was looked at and may be connected to; without it, it always may. */
  readonly permit?: () => Promise<void>;
  readonly events: Emitter;
  /** Redis' clock, by which delayed jobs are due. */
  readonly clock: Pick<Clock, 'now'>;
}

export interface ConsumeOptions {
  /** How many jobs run at once. */
  readonly concurrency: number;
  /** A job counts as stalled after so many ms without a sign of life, at the latest after twice as many. */
  readonly stallInterval: number;
  /** A job's worker seems to be gone; the job will be delivered again. */
  readonly onStalled?: (job: string) => void;
}

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
  #closed = false;

  /** @throws ConfigError `invalid_dependency` if another bee-queue is installed than the one inloop relies on */
  constructor(options: QueueOptions) {
    checkBeeQueueOnce();
    this.#options = options;
    this.#address = parseRedisAddress(options.url);
    this.#trouble = new RedisTrouble(options.events, 'queue');
  }

  /**
   * Delivers jobs of `name` to `handler`, which must not reject. Keeps trying while Redis is away.
   * @throws Error `closed` where {@link close} was called before there was a Redis
   */
  async consume(name: string, options: ConsumeOptions, handler: (job: string) => Promise<void>): Promise<Consumer> {
    if (this.#closed) throw new Error('closed');
    const { prefix, clock, permit } = this.#options;
    const onFault = (error: unknown): void => {
      if (!this.#closed && this.#clients.has(client)) this.#trouble.tell(error);
    };
    const connection = { address: this.#address, onFault, ...(permit ? { permit } : {}) };
    const client: QueueClient = new QueueClient({
      ...connection,
      graceAfterReconnect: SIGN_SHARE * options.stallInterval + OTHERS_RECONNECT_MS,
      onWell: () => this.#trouble.isWell(),
    });
    this.#clients.add(client);
    const queue = new Queue(name, {
      prefix: queuePrefix(prefix),
      isWorker: true,
      activateDelayedJobs: false,
      stallInterval: Math.max(Math.floor(options.stallInterval * STALL_SHARE), 1),
      getEvents: false,
      sendEvents: false,
      storeJobs: false,
      removeOnSuccess: true,
      removeOnFailure: true,
      redis: client,
    } as unknown as Queue.QueueSettings);
    // Without a listener the first error would end the process.
    queue.on('error', onFault);
    try {
      await queue.ready();
    } catch {
      // The client is ready sooner or later, unless it is closed.
      throw new Error('closed');
    }
    const delayed = new DelayedJobs({ ...connection, key: queueKey(prefix, name), client, clock });
    delayed.start();
    if (options.onStalled) queue.on('stalled', options.onStalled);
    queue.process(options.concurrency, ({ id }) => handler(id));
    void queue.checkStalledJobs(Math.min(STALL_CHECK_MS, options.stallInterval / 4)).catch(onFault);
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

  /** Ends the search for a Redis that consumers still wait for. Consumers themselves are closed by who has them. */
  close(): void {
    this.#closed = true;
    for (const client of this.#clients) client.disconnect();
  }
}
