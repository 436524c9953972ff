/** The worker house's front door: takes jobs, runs attempts, and stops without losing any. */

import { randomUUID } from 'node:crypto';
import { aborted, delay, withDeadline } from '../backend/async.ts';
import { type Backend, isBackend } from '../backend/backend.ts';
import { type Job, parseJobId } from '../backend/queue/job.ts';
import type { Consumer } from '../backend/queue/queue.ts';
import { NO_SUSPICION, type Watch, watchFor } from '../backend/recovery/blame.ts';
import { workerLost } from '../backend/recovery/lost-workers.ts';
import type { TaskRecord } from '../backend/store/record.ts';
import { systemTime } from '../backend/time.ts';
import type { AnyTaskDefinition } from '../core/definition.ts';
import { type Duration, toMilliseconds } from '../core/duration.ts';
import { isUnavailable } from '../core/error.ts';
import { refuseOptions } from '../core/options.ts';
import { isFinished } from '../core/snapshot.ts';
import { describe } from '../core/text.ts';
import type { TaskEvent } from '../core/transition.ts';
import { Attempt } from './attempt.ts';
import type { Handler } from './context.ts';
import { type Admission, IsolationGate } from './isolation.ts';
import { Vitals } from './vitals.ts';

export interface TaskWorkerOptions {
  readonly backend: Backend;
  /** How many tasks of each definition run at once in this process, 1 to 1,000. Default 4. */
  readonly concurrency?: number;
  /** How long a handler that was told to stop may take, before it is cut off; at most 7 days. Default 5 s. */
  readonly grace?: Duration;
  /** How long tasks may go on once the worker is told to stop, before they are handed back; at most 7 days. Default 20 s. */
  readonly drain?: Duration;
  /**
   * A worker process that gave no sign for this long (at most twice) is taken for dead, and its tasks run elsewhere. A
   * handler that blocks the event loop does not count: a thread gives the signs meanwhile. From 500 ms, since each worker
   * asks Redis several times within it, to 1 day. Default 5 s.
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
const BUG_RETRY_MS = 30_000;

/**
 * @example
 * const worker = createTaskWorker({ backend, concurrency: 4 });
 * worker.handle(importContacts, async (input, task) => { … });
 * await worker.run({ signal: shutdown.signal });
 *
 * @throws ConfigError `invalid_options`
 */
export function createTaskWorker(options: TaskWorkerOptions): TaskWorker {
  return new Worker(options);
}

class Worker implements TaskWorker {
  readonly #id = randomUUID();
  readonly #backend: Backend;
  readonly #concurrency: number;
  readonly #grace: number;
  readonly #drain: number;
  readonly #stallInterval: number;
  readonly #handlers = new Map<string, { definition: AnyTaskDefinition; handler: Handler<AnyTaskDefinition> }>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #gate = new IsolationGate();
  /** Tasks that wait until they may start, since they may have killed a worker. */
  readonly #suspects = new Set<{ readonly id: string; readonly cancel: AbortController }>();
  #vitals: Vitals | null = null;
  readonly #stopping = new AbortController();
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
    this.#backend.sweeper.start(this.#stallInterval);
    await this.#backend.clock.ready();
    const vitals = this.#startVitals();
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
      await vitals.stop();
    }
    if (this.#stuck.signal.aborted) throw this.#stuck.signal.reason;
  }

  #consume(name: string): Promise<Consumer> {
    return this.#backend.queues.consume(
      name,
      {
        concurrency: this.#concurrency,
        stallInterval: this.#stallInterval,
      },
      (job) => this.#work(job),
    );
  }

  async #stop(consumers: readonly Consumer[]): Promise<void> {
    this.#stopping.abort();
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
    // Delivered again since our event loop was blocked, not since we died: it is this very run.
    if (own?.run === wanted.run) return own.done;
    const record = await this.#withStore(() => this.#read(wanted));
    const entry = record && (await this.#enter(wanted, record));
    if (entry) await this.#attempt(wanted, record, entry).finally(entry.leave);
    // We stop, and what we gave up on may not be stored. The job stays on the queue, for somebody else.
    const isHandedBack = record && !entry && this.#stopping.signal.aborted;
    if (this.#giveUp.signal.aborted || isHandedBack) await new Promise<never>(() => undefined);
  }

  /** Waits until a task may run beside the others here; null where the worker stops or the task is called off before. */
  async #enter(wanted: Job, record: TaskRecord): Promise<Entry | null> {
    // What runs elsewhere or has ended starts nothing here, so it must keep nobody waiting.
    const watch = watchFor(isWantedBy(record, wanted) ? record.suspicion : NO_SUSPICION);
    if (watch.isolation === 'free') {
      const admission = await this.#gate.enter('free', this.#stopping.signal);
      return admission && { ...watch, ...admission };
    }
    const suspect = { id: wanted.id, cancel: new AbortController() };
    this.#suspects.add(suspect);
    const leave = AbortSignal.any([this.#stopping.signal, suspect.cancel.signal]);
    const admission = await this.#gate.enter(watch.isolation, leave);
    this.#suspects.delete(suspect);
    return admission && { ...watch, ...admission };
  }

  #cancel(id: string): void {
    this.#attempts.get(id)?.stop('cancelled');
    for (const suspect of this.#suspects) if (suspect.id === id) suspect.cancel.abort();
  }

  #read({ id }: Job): Promise<TaskRecord | null> {
    return this.#backend.store.read(id, { input: true, run: true });
  }

  async #attempt(wanted: Job, known: TaskRecord, entry: Entry): Promise<void> {
    const started = await this.#withStore(async (isRepeated) => {
      const task = isRepeated ? await this.#read(wanted) : known;
      return task && this.#start(wanted, task, entry, isRepeated);
    });
    if (!started) return;
    const { definition } = started;
    const { id } = started.record.snapshot;
    const begin = (ms: number | null) =>
      this.#vitals?.begin({ id, name: definition.name, deadline: ms === null ? null : ms + this.#grace });
    const attempt = new Attempt({
      ...started,
      ports: {
        changes: this.#backend.changes,
        turns: this.#backend.publisher,
        clock: this.#backend.clock,
        log: this.#backend.log,
        time: systemTime,
        random: Math.random,
      },
      grace: this.#grace,
      giveUp: this.#giveUp.signal,
      sharedBlockMs: () => this.#vitals?.sharedBlock ?? 0,
      onMoreTime: begin,
      onStuck: (error) => this.#stuck.abort(error),
    });
    this.#attempts.set(id, attempt);
    begin(definition.deadline);
    const ended = new AbortController();
    if (entry.isolation !== 'free') void this.#watch(id, entry, ended.signal);
    await attempt.done;
    ended.abort();
    if (this.#attempts.get(id) !== attempt) return;
    this.#attempts.delete(id);
    this.#vitals?.end(id);
  }

  /** Lets others start after a while, and ends the probation when its time has come. */
  async #watch(id: string, { exclusiveMs, probationMs, pass }: Entry, ended: AbortSignal): Promise<void> {
    if (!Number.isFinite(exclusiveMs)) return;
    await delay(exclusiveMs, ended);
    pass();
    await delay(probationMs - exclusiveMs, ended);
    if (!ended.aborted) await this.#withStore(() => this.#backend.redis.passProbation(this.#id, id));
  }

  /** Moves a waiting task to running; null where the job is no longer wanted. @throws TaskError `store_unavailable` */
  async #start(wanted: Job, record: TaskRecord, { isolation }: Watch, isRepeated: boolean) {
    const { store, changes, clock } = this.#backend;
    const { snapshot, run } = record;
    const handling = this.#handlers.get(snapshot.name);
    if (!handling) return null;
    // A try whose answer got lost has started it.
    if (isRepeated && run === wanted.run && record.worker === this.#id) return { ...handling, record, watched: true };
    if (!isWantedBy(record, wanted)) {
      await this.#endUnclaimed(wanted, record);
      return null;
    }
    const median = await store.medianDuration(snapshot.name);
    const expectedAt = median === null ? null : clock.iso(median);
    // Quiet: the reporter shows that it runs, a moment later and with what it has done by then.
    const applied = await changes.apply(
      record,
      { type: 'start', at: clock.iso(), expectedAt, progress: record.held },
      { run, start: { worker: this.#id, isolation }, isQuiet: true },
    );
    if (!applied.ok) return null;
    return {
      ...handling,
      record: { ...record, snapshot: applied.snapshot, run: wanted.run },
      watched: applied.watched,
    };
  }

  /** A run that a worker of version 0.1.0 died of: nobody misses that worker, and the job has come again. */
  async #endUnclaimed(wanted: Job, record: TaskRecord): Promise<void> {
    const { snapshot, run, worker } = record;
    if (run !== wanted.run || worker !== null || isFinished(snapshot)) return;
    const at = this.#backend.clock.iso();
    const event: TaskEvent = { type: 'fail', at, attempt: snapshot.attempt, error: workerLost(1), retryAt: at };
    await this.#backend.changes.apply(record, event, { run });
  }

  /** What `work` resolves to, however long Redis is away; null once the process must not wait any longer. */
  async #withStore<T>(work: (isRepeated: boolean) => Promise<T>): Promise<T | null> {
    for (let tries = 0; !this.#giveUp.signal.aborted; tries++) {
      try {
        return await work(tries > 0);
      } catch (error) {
        // The job stays ours while we are alive. What is no outage is a bug of ours, which nobody else would tell.
        const isBug = !isUnavailable(error);
        if (isBug) this.#backend.log.error('A task could not be started, and is tried again', { error });
        await delay(isBug ? BUG_RETRY_MS : STORE_RETRY_MS, this.#giveUp.signal);
      }
    }
    return null;
  }

  #startVitals(): Vitals {
    const { workers: registry, redis, log } = this.#backend;
    this.#vitals = new Vitals({
      id: this.#id,
      info: { names: [...this.#handlers.keys()], stallInterval: this.#stallInterval },
      registry,
      log,
      ...redis.signOfLifeOf(this.#id),
    });
    const vitals = this.#vitals;
    redis.onServer((server) => vitals.follow(server));
    vitals.start();
    return vitals;
  }

  #giveSignsOfLife(): void {
    for (const attempt of this.#attempts.values()) attempt.alive(SIGN_OF_LIFE_MS);
  }

  /** Hears of cancelled tasks at once; without it (Redis away) the next sign of life finds out. */
  async #listenForCancel(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#backend.redis.onCancel((id) => this.#cancel(id));
        return;
      } catch {
        await delay(SUBSCRIBE_RETRY_MS, stop);
      }
    }
  }
}

/** Whether a task still waits for the run that a job asks for. */
function isWantedBy({ snapshot, run }: TaskRecord, wanted: Job): boolean {
  return (snapshot.status === 'queued' || snapshot.status === 'retrying') && run + 1 === wanted.run;
}

/** A task that may start here, and how it is watched. */
type Entry = Watch & Admission;

function invalid(message: string): never {
  refuseOptions(`createTaskWorker: ${message}`);
}
