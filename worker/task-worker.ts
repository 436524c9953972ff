/** The worker house's front door: takes jobs, runs attempts, and stops without losing any. */

import { aborted, delay, withDeadline } from '../backend/async.ts';
import { type Backend, isBackend } from '../backend/backend.ts';
import { type Job, parseJobId } from '../backend/job.ts';
import type { Consumer } from '../backend/queue.ts';
import type { TaskRecord } from '../backend/store.ts';
import { isoTime } from '../backend/time.ts';
import type { AnyTaskDefinition } from '../core/definition.ts';
import { type Duration, toMilliseconds } from '../core/duration.ts';
import { TaskError } from '../core/error.ts';
import { isFinished } from '../core/snapshot.ts';
import { describe } from '../core/text.ts';
import { Attempt } from './attempt.ts';
import type { Handler } from './context.ts';

export interface TaskWorkerOptions {
  readonly backend: Backend;
  /** How many tasks of each definition run at once in this process, 1 to 1,000. Default 4. */
  readonly concurrency?: number;
  /** How long a handler that was told to stop may take, before it is cut off; at most 7 days. Default 5 s. */
  readonly grace?: Duration;
  /** How long tasks may go on once the worker is told to stop, before they are handed back; at most 7 days. Default 20 s. */
  readonly drain?: Duration;
  /**
   * A worker that gave no sign for this long (at most twice) is taken for dead and its tasks run elsewhere. From 500 ms,
   * since each worker asks Redis several times within it, to 1 day. Default 5 s.
   */
  readonly stallInterval?: Duration;
}

export interface TaskWorker {
  /** Says who does the work of a definition. Call it for each before `run`. Returns the worker. */
  handle<D extends AnyTaskDefinition>(definition: D, handler: Handler<D>): TaskWorker;
  /**
   * Works until `signal` aborts, then takes no new task, lets those under way finish (for at most `drain`), hands
   * the rest back so that they start again elsewhere at once, and resolves. Keeps trying while Redis is away.
   * @throws TaskError `handler_stuck` after draining, when a handler would not return: replace the process
   */
  run(options: { readonly signal: AbortSignal }): Promise<void>;
}

/** How long storing the last outcomes may take once everything was told to stop. */
const LAST_WRITES_MS = 5_000;
/** How long bee-queue may take to say that the last jobs are done; what it does not say is delivered again, in vain. */
const LAST_JOBS_MS = 1_000;
const SIGN_OF_LIFE_MS = 5_000;
const SUBSCRIBE_RETRY_MS = 1_000;
const STORE_RETRY_MS = 500;

/**
 * @example
 * const worker = createTaskWorker({ backend, concurrency: 4 });
 * worker.handle(importContacts, async (input, task) => { … });
 * await worker.run({ signal: shutdown.signal });
 *
 * @throws TaskError `invalid_options`
 */
export function createTaskWorker(options: TaskWorkerOptions): TaskWorker {
  return new Worker(options);
}

class Worker implements TaskWorker {
  readonly #backend: Backend;
  readonly #concurrency: number;
  readonly #grace: number;
  readonly #drain: number;
  readonly #stallInterval: number;
  readonly #handlers = new Map<string, { definition: AnyTaskDefinition; handler: Handler<AnyTaskDefinition> }>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #giveUp = new AbortController();
  readonly #stuck = new AbortController();
  #isRunning = false;

  constructor(options: TaskWorkerOptions) {
    if (!isBackend(options?.backend)) {
      invalid(`backend must be what createBackend gives, got ${describe(options?.backend)}.`);
    }
    this.#backend = options.backend;
    this.#concurrency = options.concurrency ?? 4;
    if (!Number.isInteger(this.#concurrency) || this.#concurrency < 1 || this.#concurrency > 1_000) {
      invalid(`concurrency must be a whole number from 1 to 1000, got ${describe(options.concurrency)}.`);
    }
    this.#grace = toMilliseconds(options.grace ?? '5s', 'createTaskWorker: grace', { most: '7d' });
    this.#drain = toMilliseconds(options.drain ?? '20s', 'createTaskWorker: drain', { most: '7d' });
    const stall = { least: '500ms', most: '1d' } as const;
    this.#stallInterval = toMilliseconds(options.stallInterval ?? '5s', 'createTaskWorker: stallInterval', stall);
  }

  handle<D extends AnyTaskDefinition>(definition: D, handler: Handler<D>): this {
    if (typeof definition?.name !== 'string' || typeof definition.titleOf !== 'function') {
      invalid(`handle() expects a definition as defineTask gives it, got ${describe(definition)}.`);
    }
    if (typeof handler !== 'function') {
      invalid(`handle(${definition.name}) expects a function (input, task) => result, got ${describe(handler)}.`);
    }
    if (this.#isRunning) invalid(`handle(${definition.name}) came after run().`);
    if (this.#handlers.has(definition.name)) invalid(`handle(${definition.name}) was called twice.`);
    this.#handlers.set(definition.name, { definition, handler: handler as unknown as Handler<AnyTaskDefinition> });
    return this;
  }

  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    const signal = options?.signal;
    if (!(signal instanceof AbortSignal)) {
      invalid(`run({ signal }) expects an AbortSignal, which ends the worker, got ${describe(signal)}.`);
    }
    if (this.#isRunning) invalid('run() was called twice.');
    if (this.#handlers.size === 0) invalid('run() came before any handle(definition, handler).');
    this.#isRunning = true;
    this.#backend.sweeper.start();
    const stop = AbortSignal.any([signal, this.#stuck.signal]);
    void this.#listenForCancel(stop);
    const signsOfLife = setInterval(() => this.#giveSignsOfLife(), SIGN_OF_LIFE_MS / 5);
    const consumers: Consumer[] = [];
    try {
      const starting = [...this.#handlers.keys()].map(async (name) => {
        consumers.push(await this.#consume(name));
      });
      await Promise.race([Promise.all(starting).then(() => aborted(stop)), aborted(stop)]);
      await this.#stop(consumers);
    } finally {
      clearInterval(signsOfLife);
    }
    if (this.#stuck.signal.aborted) throw this.#stuck.signal.reason;
  }

  #consume(name: string): Promise<Consumer> {
    return this.#backend.queues.consume(
      name,
      {
        concurrency: this.#concurrency,
        stallInterval: this.#stallInterval,
        onStalled: (job) => this.#onStalled(job),
      },
      (job) => this.#work(job),
    );
  }

  async #stop(consumers: readonly Consumer[]): Promise<void> {
    const closing = consumers.map((consumer) => consumer.close(this.#drain + this.#grace + LAST_WRITES_MS));
    await this.#waitForAttempts(this.#stuck.signal.aborted ? this.#grace : this.#drain);
    for (const attempt of this.#attempts.values()) attempt.stop('worker_stopped');
    await this.#waitForAttempts(this.#grace + LAST_WRITES_MS);
    this.#giveUp.abort();
    await this.#backend.publisher.drain(LAST_WRITES_MS);
    await withDeadline(Promise.all(closing), LAST_JOBS_MS).catch(() => undefined);
  }

  async #waitForAttempts(limit: number): Promise<void> {
    const reached = new AbortController();
    const all = async () => {
      while (this.#attempts.size > 0 && !reached.signal.aborted) {
        await Promise.race([...[...this.#attempts.values()].map((attempt) => attempt.done), aborted(reached.signal)]);
      }
    };
    await Promise.race([all(), delay(limit, reached.signal)]);
    reached.abort();
  }

  /** Does what a job asks for, if the record still wants it. Never rejects; resolving takes the job off the queue. */
  async #work(job: string): Promise<void> {
    const wanted = parseJobId(job);
    if (!wanted) return;
    const own = this.#attempts.get(wanted.id);
    // Delivered again since our event loop was blocked, not since we died: it is this very attempt.
    if (own?.number === wanted.attempt) return own.done;
    const started = await this.#start(wanted);
    if (started) {
      const attempt = new Attempt({
        backend: this.#backend,
        definition: started.definition,
        handler: started.handler,
        record: started.record,
        hasPage: started.hasPage,
        grace: this.#grace,
        giveUp: this.#giveUp.signal,
        onStuck: (error) => this.#stuck.abort(error),
      });
      this.#attempts.set(attempt.id, attempt);
      await attempt.done;
      if (this.#attempts.get(attempt.id) === attempt) this.#attempts.delete(attempt.id);
    }
    // What we gave up on may not be stored. The job stays on the queue, so that it is delivered to somebody else.
    if (this.#giveUp.signal.aborted) await new Promise<never>(() => undefined);
  }

  /** Moves a waiting task to running, however long Redis takes; null where the job is no longer wanted. */
  async #start(wanted: Job) {
    let triedAt: string | null = null;
    while (!this.#giveUp.signal.aborted) {
      try {
        const record = await this.#backend.store.read(wanted.id);
        const entry = record && this.#handlers.get(record.snapshot.name);
        if (!record || !entry) return null;
        const { snapshot } = record;
        // A try whose answer got lost has started it.
        if (triedAt !== null && snapshot.status === 'running' && snapshot.signOfLifeAt === triedAt)
          return { ...entry, record, hasPage: true };
        const isWaiting =
          (snapshot.status === 'queued' && wanted.attempt === 1) ||
          (snapshot.status === 'retrying' && wanted.attempt === snapshot.attempt);
        if (!isWaiting) {
          await this.#lose(wanted, record);
          return null;
        }
        const median = await this.#backend.store.medianDuration(snapshot.name);
        triedAt = isoTime();
        const expectedAt = median === null ? null : isoTime(median);
        const applied = await this.#backend.store.apply(record, { type: 'start', at: triedAt, expectedAt });
        if (!applied.ok) return null;
        return { ...entry, record: { ...record, snapshot: applied.snapshot }, hasPage: applied.hasPage };
      } catch {
        // Redis is away. The job stays ours while we are alive.
        await delay(STORE_RETRY_MS, this.#giveUp.signal);
      }
    }
    return null;
  }

  /** A job's worker gave no sign of life. Should this fail, the job's next delivery does it. */
  #onStalled(job: string): void {
    const wanted = parseJobId(job);
    if (!wanted || this.#attempts.get(wanted.id)?.number === wanted.attempt) return;
    this.#backend.store
      .read(wanted.id)
      .then((record) => record && this.#lose(wanted, record))
      .catch(() => undefined);
  }

  /** Ends an attempt that nobody is at any more. @throws TaskError `store_unavailable` */
  async #lose(wanted: Job, record: TaskRecord): Promise<void> {
    const at = isoTime();
    const error = new TaskError('worker_lost', 'The worker stopped unexpectedly.').toFailure();
    const applied = await this.#backend.store.apply(record, {
      type: 'fail',
      at,
      attempt: wanted.attempt,
      error,
      retryAt: at,
    });
    if (!applied.ok) return;
    const { snapshot, hasPage } = applied;
    if (hasPage || isFinished(snapshot)) this.#backend.publisher.publish(record.owner, snapshot);
  }

  #giveSignsOfLife(): void {
    for (const attempt of this.#attempts.values()) attempt.alive(SIGN_OF_LIFE_MS);
  }

  /** Hears of cancelled tasks at once; without it (Redis away) the next sign of life finds out. */
  async #listenForCancel(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#backend.redis.onCancel((id) => this.#attempts.get(id)?.stop('cancelled'));
        return;
      } catch {
        await delay(SUBSCRIBE_RETRY_MS, stop);
      }
    }
  }
}

function invalid(message: string): never {
  throw new TaskError('invalid_options', `createTaskWorker: ${message}`, { retryable: false });
}
