/**
 * The Redis client that bee-queue works with. It has the methods of node_redis 3 that bee-queue uses, on the same kind of
 * connection as the task store (redis/connection.ts). node_redis itself needs the right to INFO, ends the process over a
 * wrong password, has no support for sentinels, and waits for ever on a dead connection.
 *
 * bee-queue gets one client for commands, and asks it for a `duplicate`, on which it waits for jobs.
 */

import { EventEmitter } from 'node:events';
import { delay } from '../../async.ts';
import type { RedisAddress } from '../../redis/address.ts';
import { Connection, type ConnectionOptions } from '../../redis/connection.ts';
import { ClosedError, faultOf, NotConnectedError } from '../../redis/fault.ts';
import { runScript, type Script, toScript } from '../../redis/script.ts';
import type { StoredFields } from '../../store/record.ts';
import { JobTaker, type TakenWith } from '../job-taker.ts';
import type { LineKeys } from '../line-scripts.ts';
import { CHECK_STALLED_JOBS, END_JOB, JOB_DATA } from './scripts.ts';

/** How long a command waits for a connection, in ms. */
const PATIENCE_MS = 10_000;
/** Between two tries to end a job. */
const END_RETRY_MS = 100;
const CHECK_STALLED = toScript(CHECK_STALLED_JOBS);
const END = toScript(`${END_JOB}endJob(KEYS[1], KEYS[2], ARGV[1])\nreturn 1`);

type Done = (error: unknown, answer?: unknown) => void;

/** What {@link QueueClient} is made with. */
export interface QueueClientOptions {
  readonly address: RedisAddress;
  /** The prefix of the queue's keys. */
  readonly queue: string;
  readonly line: LineKeys;
  /** The prefix of the keys of tasks. */
  readonly taskPrefix: string;
  /** A job that was taken less than this long ago, in ms, needs no keep-alive yet. */
  readonly freshFor: number;
  /** Called before each connection is made. Resolves when Redis was inspected and may be used. */
  readonly permit?: () => Promise<void>;
  /**
   * How long after a reconnection stalled jobs are not looked for, in ms. While Redis was away, workers could not send
   * keep-alives for their jobs. They get this time to do so.
   */
  readonly graceAfterReconnect: number;
  /** A connection was lost or could not be made, or a command failed that is tried again. */
  readonly onFault: (error: unknown) => void;
  /** A write succeeded. */
  readonly onSuccess: () => void;
}

/** One for each definition whose jobs this process takes. It connects when it is made. */
export class QueueClient extends EventEmitter {
  readonly #options: QueueClientOptions;
  readonly #connection: Connection<Record<never, never>>;
  readonly #copies: JobClient[] = [];
  /** Jobs that are off the queue already, and that bee-queue is about to end. */
  readonly #ended = new Set<string>();
  /** Jobs that were taken and whose handler has not been called yet. */
  readonly #taken = new Map<string, TakenWith>();
  /** Read by bee-queue. */
  ready = false;
  /** When the connection was made again after a loss (ms, `performance.now()`). The first connection does not count. */
  #reconnectedAt = Number.NEGATIVE_INFINITY;

  constructor(options: QueueClientOptions) {
    super();
    this.#options = options;
    this.#connection = new Connection({
      ...connectionOptions(options),
      scripts: {},
      onReady: () => {
        if (this.ready) this.#reconnectedAt = performance.now();
      },
    });
    void this.#connection.whenUsable().then(() => {
      this.ready = true;
      this.emit('ready');
    });
  }

  duplicate(): JobClient {
    const copy = new JobClient(this.#options, (job, taken) => this.#taken.set(job, taken));
    this.#copies.push(copy);
    return copy;
  }

  /**
   * Runs a script.
   * @param args number of keys, keys, arguments
   * @throws what Redis answered, or why there is no connection
   */
  runScript(script: Script, args: readonly (string | number)[]): Promise<unknown> {
    return this.#connection.run((client) => runScript(client, script, args.map(String)), PATIENCE_MS);
  }

  /**
   * bee-queue runs one script through its client: the check for stalled jobs. If that fails, bee-queue is told that no job
   * is stalled. It would take no jobs at all after a failed first check, and it does not handle a later failure.
   *
   * @param _sha undefined, since bee-queue has read none of its scripts (`ensureScripts` in queue.ts)
   */
  evalsha(_sha: unknown, ...rest: unknown[]): void {
    const done = rest.pop() as Done;
    if (this.#connectedFor < this.#options.graceAfterReconnect) {
      done(null, []);
      return;
    }
    this.runScript(CHECK_STALLED, rest as (string | number)[]).then(
      (stalled) => {
        this.#options.onSuccess();
        done(null, stalled);
      },
      (error: unknown) => {
        if (!this.#connection.isClosed) this.#options.onFault(error);
        done(null, []);
      },
    );
  }

  /** Says that a job is off the queue already. bee-queue's own step at its end then sends nothing. */
  noteEnded(job: string): void {
    this.#ended.add(job);
  }

  /** The fields of the task of a job whose handler is about to be called, if they were read when the job was taken. */
  fieldsOfTaken(job: string): StoredFields | undefined {
    const taken = this.#taken.get(job);
    this.#taken.delete(job);
    return taken?.fields;
  }

  /**
   * bee-queue asks for the data of each job, which is the same for all. A job that is delivered again after its end has no
   * data in Redis. With this answer, bee-queue passes such a job to the handler and then removes it. Without an answer it would
   * leave the job in the list of active jobs for ever.
   */
  hget(_key: string, _field: string, done: Done): void {
    done(null, JOB_DATA);
  }

  /**
   * A keep-alive for a job: takes it off the set of jobs that may be stalled. bee-queue sends the first one just before it calls
   * the handler. A job that was taken a moment ago needs none: the next one comes within half a stall interval.
   */
  srem(key: string, member: string, done: Done): void {
    const taken = this.#taken.get(member);
    if (taken && performance.now() - taken.askedAt < this.#options.freshFor) {
      done(null, 0);
      return;
    }
    this.#connection
      .run((client) => client.sendCommand(['SREM', key, member]), PATIENCE_MS)
      .then((answer) => done(null, answer), done);
  }

  /** What bee-queue does at the end of a job. */
  multi(): JobEnd {
    return new JobEnd((keys, job) => this.#endJob(keys, job));
  }

  /** Closes the client and its duplicates at once. */
  disconnect(): void {
    if (this.#connection.isClosed) return;
    this.#connection.close();
    // bee-queue waits until the client is ready or fails.
    if (!this.ready && this.listenerCount('error') > 0) this.emit('error', closedError());
    for (const copy of this.#copies) copy.disconnect();
  }

  /** For how long there has been a connection, in ms: Infinity if it is the first one, 0 if there is none. */
  get #connectedFor(): number {
    return this.#connection.isReady ? performance.now() - this.#reconnectedAt : 0;
  }

  /**
   * Ends a job, again if the connection was lost before the answer: doing it twice does no harm. A job that was not ended
   * would be delivered again.
   * @throws what Redis answered, or that there was no connection for 10 s
   */
  async #endJob(keys: readonly string[], job: string): Promise<unknown> {
    if (this.#ended.delete(job)) return;
    for (;;) {
      try {
        return await this.runScript(END, [keys.length, ...keys, job]);
      } catch (error) {
        const isLost = faultOf(error).kind === 'away' && !(error instanceof NotConnectedError);
        if (!isLost || this.#connection.isClosed) throw error;
        await delay(END_RETRY_MS);
      }
    }
  }
}

// bee-queue recognizes a client, as opposed to settings, by the name of its class. A bundler may have changed that name.
Object.defineProperty(QueueClient, 'name', { value: 'RedisClient' });

/** The duplicate on which bee-queue waits for jobs. It counts as ready at once: jobs may be asked for before it connects. */
class JobClient extends EventEmitter {
  readonly #taker: JobTaker;
  readonly ready = true;

  constructor(options: QueueClientOptions, onTaken: (job: string, taken: TakenWith) => void) {
    super();
    const { queue, line, taskPrefix } = options;
    this.#taker = new JobTaker({ ...connectionOptions(options), queue, line, taskPrefix, onTaken });
    // bee-queue waits for the event of each client that it duplicates.
    setImmediate(() => this.emit('ready'));
  }

  brpoplpush(source: string, target: string, _forever: number, done: Done): void {
    this.#taker.take(source, target, done);
  }

  disconnect(): void {
    this.#taker.close(closedError());
  }
}

/**
 * The transaction at the end of a job: bee-queue takes it off the list of active jobs, then off the set of those that may be
 * stalled, then removes its data. A script does what is needed of it. A transaction would be five commands, each with an answer.
 */
class JobEnd {
  readonly #run: (keys: readonly string[], job: string) => Promise<unknown>;
  readonly #keys: string[] = [];
  #job = '';

  constructor(run: (keys: readonly string[], job: string) => Promise<unknown>) {
    this.#run = run;
  }

  lrem(active: string, _all: number, job: string): this {
    this.#job = job;
    return this.#add(active);
  }

  srem(_stalling: string, _job: string): this {
    return this;
  }

  hdel(jobs: string, _job: string): this {
    return this.#add(jobs);
  }

  exec(done: Done): void {
    this.#run(this.#keys, this.#job).then((answer) => done(null, answer), done);
  }

  #add(key: string): this {
    this.#keys.push(key);
    return this;
  }
}

function connectionOptions({
  address,
  permit,
  onFault,
}: QueueClientOptions): Pick<ConnectionOptions<Record<never, never>>, 'address' | 'permit' | 'onFault'> {
  return { address, onFault, ...(permit ? { permit } : {}) };
}

/** bee-queue recognizes by this text that the client was closed on purpose. */
function closedError(): ClosedError {
  return new ClosedError('Connection is closed.');
}
