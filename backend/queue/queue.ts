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
import { withDeadline } from '../async.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { parseRedisAddress, type RedisAddress, type RedisEndpoint } from '../redis/address.ts';
import { RedisTrouble } from '../redis/trouble.ts';
import { DueTimer } from './due-timer.ts';
import { QueueClient } from './queue-client.ts';

/** A stalled job is found within two of bee-queue's intervals and two checks; this keeps that under 2 × ours. */
const STALL_SHARE = 0.9;
const STALL_CHECK_MS = 250;
/** A job gives a sign of life twice an interval; this is a little more than half of one. */
const SIGN_SHARE = 0.6;
/** By how much other workers may be later than we are in finding Redis again. */
const OTHERS_RECONNECT_MS = 1_200;
/** Redis may lose a wake-up for delayed jobs (a restart); then they are looked for this often. */
const DELAYED_CHECK_MS = 1_000;
/** Which argument of the script that raises delayed jobs is the time; before it come a count and two keys. */
const RAISE_NOW_ARGUMENT = 3;
/** How long Redis may take to say goodbye. */
const QUIT_MS = 500;

export interface QueueOptions {
  /** Checked already, see `parseRedisAddress`. */
  readonly url: string | RedisEndpoint;
  /** Before every key, for example `inloop:`. */
  readonly prefix: string;
  /** Resolves when Redis was looked at and may be connected to; without it, it always may. */
  readonly permit?: () => Promise<void>;
  readonly log: Log;
  /** Of Redis: by it delayed jobs are due. */
  readonly clock: Pick<Clock, 'now'>;
}

export interface ConsumeOptions {
  /** How many jobs run at once. */
  readonly concurrency: number;
  /** After how many ms without a sign of life a job counts as stalled, at most twice that. */
  readonly stallInterval: number;
  /** A job's worker seems to be gone; the job will be delivered again. */
  readonly onStalled?: (job: string) => void;
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

/** The scripts that bee-queue runs for us, beside those that are part of {@link ADD_JOB}. */
export const QUEUE_SCRIPTS: readonly string[] = ['checkStalledJobs', 'raiseDelayedJobs'].map(readScript);

/** One queue per task definition. */
export class JobQueues {
  readonly #options: QueueOptions;
  readonly #address: RedisAddress;
  readonly #trouble: RedisTrouble;
  readonly #clients = new Set<QueueClient>();
  #closed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#address = parseRedisAddress(options.url);
    this.#trouble = new RedisTrouble(options.log, 'Redis (queue)');
  }

  /** Delivers jobs of `name` to `handler`, which must not reject. Keeps trying while Redis is away. */
  async consume(name: string, options: ConsumeOptions, handler: (job: string) => Promise<void>): Promise<Consumer> {
    const { queue, client } = await this.#build(name, Math.max(Math.floor(options.stallInterval * STALL_SHARE), 1));
    // bee-queue starts to take jobs only if this first check works, and a later failure goes unhandled.
    const internals = queue as unknown as QueueInternals;
    const check = internals._doStalledJobCheck.bind(queue);
    const patience = SIGN_SHARE * options.stallInterval + OTHERS_RECONNECT_MS;
    internals._doStalledJobCheck = async () => {
      // While Redis was away, those who are at work had no way to say so. They get the time to.
      if (client.connectedFor < patience) return 0;
      return check().then(
        (found) => {
          this.#trouble.isWell();
          return found;
        },
        (error: unknown) => {
          if (!this.#closed) this.#trouble.tell(error);
          return 0;
        },
      );
    };
    if (options.onStalled) queue.on('stalled', options.onStalled);
    this.#wakeByRedis(queue);
    takeJobs(queue, options.concurrency, handler);
    void queue.checkStalledJobs(Math.min(STALL_CHECK_MS, options.stallInterval / 4));
    return {
      close: async (limit) => {
        // bee-queue waits 5 s instead where it is told a fraction.
        await withDeadline(queue.close(Math.ceil(limit)), limit + QUIT_MS).catch(() => undefined);
        client.disconnect();
        this.#clients.delete(client);
      },
    };
  }

  /** Consumers are closed by who has them; this ends the search for a Redis that they still wait for. */
  close(): void {
    this.#closed = true;
    for (const client of this.#clients) client.disconnect();
  }

  /** Delayed jobs are due by Redis' clock; bee-queue would go by this machine's, which may be wrong and may be set. */
  #wakeByRedis(queue: Queue): void {
    const internals = queue as unknown as QueueInternals;
    internals._delayedTimer.stop();
    const raise = internals._evalScript.bind(queue);
    internals._evalScript = (name, ...args) => {
      if (name === 'raiseDelayedJobs') args[RAISE_NOW_ARGUMENT] = this.#options.clock.now();
      return raise(name, ...args);
    };
    internals._delayedTimer = new DueTimer({
      clock: this.#options.clock,
      most: DELAYED_CHECK_MS,
      onDue: () => internals._activateDelayed(),
    });
  }

  async #build(name: string, stallInterval: number): Promise<{ queue: Queue; client: QueueClient }> {
    if (this.#closed) throw new Error('closed');
    const tell = (error: unknown): void => {
      if (!this.#closed && this.#clients.has(client)) this.#trouble.tell(error);
    };
    const client = new QueueClient({
      address: this.#address,
      jobData: JOB_DATA,
      ...(this.#options.permit ? { permit: this.#options.permit } : {}),
      onFault: tell,
    });
    this.#clients.add(client);
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
      redis: client,
    } as unknown as Queue.QueueSettings);
    // Without a listener the first error would end the process.
    queue.on('error', tell);
    try {
      await queue.ready();
    } catch {
      // The client is ready sooner or later, unless it is closed.
      throw new Error('closed');
    }
    checkInternals(queue, client);
    return { queue, client };
  }
}

/**
 * Takes jobs, with a command fewer for each than bee-queue sends by itself: it gives a sign of life when a job begins, and
 * then twice an interval. The first is not needed: whom one check saw at work, the next looks for, an interval later.
 */
function takeJobs(queue: Queue, concurrency: number, handler: (job: string) => Promise<void>): void {
  const internals = queue as unknown as QueueInternals;
  const begun = new Set<string>();
  const giveSign = internals._preventStall.bind(queue);
  internals._preventStall = async (job) => {
    if (begun.has(job)) await giveSign(job);
    else begun.add(job);
  };
  queue.process(concurrency, ({ id }) => handler(id).finally(() => begun.delete(id)));
}

/** What bee-queue 2.0.0 has and its types leave out. */
interface QueueInternals {
  readonly client: unknown;
  _doStalledJobCheck(): Promise<number>;
  _preventStall(job: string): Promise<unknown>;
  _activateDelayed(): void;
  _evalScript(name: string, ...args: unknown[]): Promise<unknown>;
  _delayedTimer: Pick<DueTimer, 'schedule' | 'stop'>;
}

/** @throws Error for a bee-queue that is not built as the one we know */
function checkInternals(queue: Queue, client: QueueClient): void {
  const internals = queue as unknown as QueueInternals;
  if (
    internals.client === client &&
    (['_doStalledJobCheck', '_preventStall', '_activateDelayed', '_evalScript'] as const).every(
      (name) => typeof internals[name] === 'function',
    ) &&
    typeof internals._delayedTimer?.schedule === 'function'
  ) {
    return;
  }
  throw new Error(
    'inloop works with bee-queue 2.0.0, and the one that is installed is built differently. Install 2.0.0.',
  );
}
