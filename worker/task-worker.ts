/**
 * The worker: takes jobs, runs attempts, and stops without losing any. It puts the rooms of this house together:
 *
 * - `start/` turns a job into a running task.
 * - `attempt/` runs its handler, once.
 * - `progress/` stores and pushes what the handler reports, and how it ended.
 * - `hooks/` calls `onOutcome` and `onUnseen`.
 * - `heartbeat/` tells other processes that this one is alive.
 */

import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { whenAborted } from '../backend/async.ts';
import { parseJobId } from '../backend/queue/job.ts';
import type { Consumer } from '../backend/queue/queue.ts';
import type { StoredFields } from '../backend/store/record.ts';
import type { AnyTaskDefinition } from '../core/tasks/definition.ts';
import type { Duration } from '../core/values/duration.ts';
import { RunningAttempts, type RunningTasks } from './attempt/running-attempts.ts';
import type { Handler } from './context.ts';
import { type Hook, type OutcomeHandler, OutcomeHooks, outcomeHook, unseenOutcomeHook } from './hooks/outcome-hooks.ts';
import {
  checkAfter,
  checkHandler,
  checkOutcomeHandler,
  checkSignal,
  checkWorkerOptions,
  refuse,
  type TaskWorkerOptions,
  type WorkerSettings,
} from './options.ts';
import { AdmissionControl } from './start/admission-control.ts';
import { type Handling, JobStarter } from './start/job-starter.ts';
import { portsOf, type WorkerPorts } from './worker-ports.ts';

/** Runs the handlers of tasks in a worker process. */
export interface TaskWorker {
  /** Says which function does the work of a definition. Call it for each definition before `run`. Returns the worker. */
  handle<D extends AnyTaskDefinition>(definition: D, handler: Handler<D>): TaskWorker;
  /**
   * Calls `handler` once for each task that ends, whatever its outcome, its definition and the process that ended it: in this
   * worker or in another one on which `onOutcome` was called. If `handler` fails, it is called again after 1, 2, 4 … s, at
   * most an hour, as long as the task is kept. If its process dies, another worker calls it. So it is called at least once for
   * each task, and may be called twice. It runs within about a second of the outcome, and never delays it. Call this before
   * `run`. Returns the worker.
   *
   * @example
   * worker.onOutcome(async (task, { owner }) => {
   *   if (task.status === 'failed') await notifySupport(owner, task.title, task.error.message);
   * });
   */
  onOutcome(handler: OutcomeHandler): TaskWorker;
  /**
   * Like {@link onOutcome}, for outcomes that their owner has not seen by the time that `after` has passed since the task
   * ended: for an e-mail, say. May be called several times with different durations, each shorter than the backend's
   * `retention`.
   *
   * @example
   * worker.onUnseen({ after: '15m' }, async (task, { owner }) => {
   *   await sendMail(await emailOf(owner), `${task.title}: ${task.status}`);
   * });
   */
  onUnseen(options: { readonly after: Duration }, handler: OutcomeHandler): TaskWorker;
  /**
   * Works until `signal` aborts, then takes no new task, lets those under way finish (for at most `drain`), hands
   * the rest back so that they start again elsewhere at once, and resolves. Keeps trying while Redis is away.
   * @throws TaskError `handler_stuck` after draining, when a handler would not return: replace the process
   */
  run(options: { readonly signal: AbortSignal }): Promise<void>;
}

/** How long storing the last outcomes may take once every handler was told to stop. */
const LAST_WRITES_MS = 5_000;
/** How long bee-queue may take to remove the last jobs. A job that stays is delivered again, which does no harm. */
const LAST_JOBS_MS = 1_000;
/** An attempt of which nothing was stored for this long gets a sign of life. With the check below, that is within 10 s. */
const SIGN_OF_LIFE_MS = 9_000;
/** How often each attempt is checked for that. */
const SIGN_OF_LIFE_CHECK_MS = 1_000;
/** A hook's lease on an outcome lasts this many stall intervals: 30 s by default. */
const LEASE_STALL_INTERVALS = 6;
const SUBSCRIBE_RETRY_MS = 1_000;

/**
 * Makes a worker. It does nothing before its `run`.
 *
 * @example
 * const worker = createTaskWorker({ backend, concurrency: 4 });
 * worker.handle(importContacts, async (input, task) => { … });
 * await worker.run({ signal: shutdown.signal });
 *
 * @throws ConfigError `invalid_options`
 */
export function createTaskWorker(options: TaskWorkerOptions): TaskWorker {
  const settings = checkWorkerOptions(options);
  return new Worker(settings, portsOf(options.backend));
}

/** @internal Use {@link createTaskWorker}. */
export class Worker implements TaskWorker {
  readonly #id = randomUUID();
  readonly #settings: WorkerSettings;
  readonly #ports: WorkerPorts;
  readonly #handlers = new Map<string, Handling>();
  readonly #hooks: Hook[] = [];
  #isRunning = false;

  constructor(settings: WorkerSettings, ports: WorkerPorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  handle<D extends AnyTaskDefinition>(definition: D, handler: Handler<D>): this {
    checkHandler(definition, handler);
    if (this.#isRunning) refuse(`handle(${definition.name}) came after run().`);
    if (this.#handlers.has(definition.name))
      refuse(
        `handle(${definition.name}) was called twice. A definition has one handler; a second definition needs a name of its own.`,
      );
    this.#handlers.set(definition.name, { definition, handler: handler as unknown as Handler<AnyTaskDefinition> });
    return this;
  }

  onOutcome(handler: OutcomeHandler): this {
    checkOutcomeHandler('onOutcome', handler);
    return this.#addHook('onOutcome', outcomeHook(handler));
  }

  onUnseen(options: { readonly after: Duration }, handler: OutcomeHandler): this {
    const after = checkAfter(options, this.#ports.hooks?.queue.retentionMs ?? 0);
    checkOutcomeHandler('onUnseen', handler);
    return this.#addHook('onUnseen', unseenOutcomeHook(after, handler));
  }

  #addHook(method: string, hook: Hook): this {
    if (this.#isRunning) refuse(`${method}() came after run().`);
    if (this.#hooks.some(({ name }) => name === hook.name)) {
      refuse(
        `${method}() was called twice${hook.kind === 'unseen' ? ' with the same duration' : ''}. Do both in one function.`,
      );
    }
    this.#hooks.push(hook);
    return this;
  }

  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    const signal = checkSignal(options);
    if (this.#isRunning) refuse('run() was called twice.');
    if (this.#handlers.size === 0 && this.#hooks.length === 0)
      refuse('run() came before any handle(definition, handler).');
    this.#isRunning = true;
    const { stallInterval, concurrency } = this.#settings;
    const { time, clock, events } = this.#ports;
    const worker = this.#id;
    const names = [...this.#handlers.keys()];
    const startedAt = time.elapsed();
    events.emit('worker.started', () => ({ worker, names, concurrency }));
    this.#ports.startSweeping(stallInterval);
    await this.#ports.clockReady();
    const heartbeat = this.#ports.startHeartbeat(worker, { names, stallInterval, concurrency, startedAt: clock.iso() });
    const parts = this.#assemble(heartbeat);
    const stop = AbortSignal.any([signal, parts.stuck.signal]);
    void this.#listenForCancel(parts, stop);
    const stopSigns = time.every(SIGN_OF_LIFE_CHECK_MS, () => parts.attempts.giveSignsOfLife(SIGN_OF_LIFE_MS));
    const consumers: Consumer[] = [];
    const hooks =
      this.#ports.hooks && new OutcomeHooks(this.#hooks, LEASE_STALL_INTERVALS * stallInterval, this.#ports.hooks);
    try {
      // First, so that the hooks get what this worker ends.
      await hooks?.register(stop);
      const hooking = hooks?.run(stop, this.#settings.drain);
      const starting = names.map(async (name) => {
        consumers.push(await this.#consume(name, parts));
      });
      await Promise.race([Promise.all(starting).then(() => whenAborted(stop)), whenAborted(stop)]);
      await Promise.all([this.#stop(consumers, parts), hooking]);
    } finally {
      stopSigns();
      await heartbeat.stop();
      const seconds = (time.elapsed() - startedAt) / 1_000;
      events.emit('worker.stopped', () => ({ worker, seconds, isStuck: parts.stuck.signal.aborted }));
    }
    if (parts.stuck.signal.aborted) throw parts.stuck.signal.reason;
  }

  #assemble(heartbeat: RunningTasks): Parts {
    const { store, changes, clock, time, events } = this.#ports;
    const [stopping, giveUp, stuck] = [new AbortController(), new AbortController(), new AbortController()];
    // Each attempt that waits for Redis to come back listens to it: no leak.
    setMaxListeners(0, giveUp.signal);
    const retry = { giveUp: giveUp.signal, time, events };
    const starter = new JobStarter({
      worker: this.#id,
      store,
      changes,
      clock,
      retry,
      handlers: this.#handlers,
      admissions: new AdmissionControl(time),
      stopping: stopping.signal,
    });
    const attempts = new RunningAttempts({
      ports: this.#ports,
      running: heartbeat,
      retry,
      passProbation: (task) => this.#ports.passProbation(this.#id, task),
      grace: this.#settings.grace,
      onStuck: (error) => stuck.abort(error),
    });
    return { starter, attempts, stopping, giveUp, stuck };
  }

  #consume(name: string, parts: Parts): Promise<Consumer> {
    const { concurrency, stallInterval } = this.#settings;
    return this.#ports.queues.consume(name, { concurrency, stallInterval }, (job, fields) =>
      this.#work(job, fields, parts),
    );
  }

  /**
   * Does what a job asks for, if the record still wants it. Never rejects. Resolving takes the job off the queue.
   * @returns whether it is off the queue already, together with the outcome
   */
  async #work(job: string, fields: StoredFields | undefined, { starter, attempts }: Parts): Promise<boolean> {
    const wanted = parseJobId(job);
    if (!wanted) return false;
    const own = attempts.get(wanted.id);
    // bee-queue delivers a job again when our event loop was blocked for long. We still run it.
    if (own?.run === wanted.run) {
      this.#ports.events.emit('job.ignored', () => ({ task: wanted.id, run: wanted.run, why: 'running_here' }));
      await own.done;
      return own.hasOutcome;
    }
    const answer = await starter.start(wanted, fields);
    if (answer.result === 'unwanted')
      this.#ports.events.emit('job.ignored', () => ({ task: wanted.id, run: wanted.run, why: 'unwanted' }));
    const end = answer.result === 'started' ? await attempts.run(answer.task) : answer.result;
    // We stop before the task has started, or before its end is stored. The job stays on the queue.
    if (end === 'kept' || end === 'unstored') await new Promise<never>(() => undefined);
    return end === 'outcome';
  }

  async #stop(consumers: readonly Consumer[], { attempts, stopping, giveUp, stuck }: Parts): Promise<void> {
    const { drain, grace } = this.#settings;
    const { time, drainPushes } = this.#ports;
    stopping.abort();
    const closing = consumers.map((consumer) => consumer.close(drain + grace + LAST_WRITES_MS));
    await attempts.waitForAll(stuck.signal.aborted ? grace : drain);
    attempts.handBack();
    await attempts.waitForAll(grace + LAST_WRITES_MS);
    giveUp.abort();
    await drainPushes(LAST_WRITES_MS);
    await time.within(Promise.all(closing), LAST_JOBS_MS).catch(() => undefined);
  }

  /** Subscribes to cancellations. While Redis is away, a task learns of its cancellation by its next sign of life. */
  async #listenForCancel({ starter, attempts }: Parts, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#ports.onCancel((id) => {
          attempts.cancel(id);
          starter.cancel(id);
        });
        return;
      } catch {
        await this.#ports.time.delay(SUBSCRIBE_RETRY_MS, stop);
      }
    }
  }
}

/** What one `run` works with. */
interface Parts {
  readonly starter: JobStarter;
  readonly attempts: RunningAttempts;
  /** Aborts when the worker must not start any more tasks. */
  readonly stopping: AbortController;
  /** Aborts when the worker must not wait for Redis any longer. */
  readonly giveUp: AbortController;
  /** Aborts, with the error, when a handler did not stop. */
  readonly stuck: AbortController;
}
