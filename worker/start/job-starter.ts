/**
 * Turns a job into a running task: reads its record, waits until it may start beside the others, and stores that it
 * runs. It serves the worker.
 */

import type { Job } from '../../backend/queue/job.ts';
import { workerLost } from '../../backend/recovery/lost-workers.ts';
import { NO_SUSPICION, type Probation, probationFor } from '../../backend/recovery/probation.ts';
import { type StoredFields, type TaskRecord, WANTED_TO_START } from '../../backend/store/record.ts';
import type { AnyTaskDefinition } from '../../core/tasks/definition.ts';
import { isFinished } from '../../core/tasks/snapshot.ts';
import type { Handler } from '../context.ts';
import type { AttemptChanges } from '../progress/reporter-ports.ts';
import { type RetryOptions, retryStore } from '../retry-store.ts';
import type { Admission, AdmissionControl } from './admission-control.ts';

/** What is needed of the store. */
export interface JobStore {
  /**
   * The task with its input, its run and its checkpoint; null if there is none. Rejects while Redis is away. `known` are the
   * wanted fields, if they have been read already.
   */
  read(id: string, want: typeof WANTED_TO_START, known?: StoredFields): Promise<TaskRecord | null>;
  /** The median of recent successful first attempts of a definition, in ms; null if too few are known. Never rejects. */
  medianDuration(name: string): Promise<number | null>;
}

/** A definition and the function that does its work. */
export interface Handling {
  readonly definition: AnyTaskDefinition;
  readonly handler: Handler<AnyTaskDefinition>;
}

/** A task that this worker has started. */
export interface StartedTask extends Handling {
  readonly record: TaskRecord;
  /** Whether the owner was watching when it started. */
  readonly watched: boolean;
  readonly probation: Probation;
  /** The task's place beside the other running tasks. Must be left when its attempt has ended. */
  readonly admission: Admission;
}

/**
 * - `started`: the task runs from now on.
 * - `unwanted`: the task does not wait for this run, or no longer. The job is removed from the queue.
 * - `kept`: the worker stops. The job stays on the queue, for another worker.
 */
export type StartAnswer =
  | { readonly result: 'started'; readonly task: StartedTask }
  | { readonly result: 'unwanted' }
  | { readonly result: 'kept' };

export interface JobStarterOptions {
  /** The worker's id. */
  readonly worker: string;
  readonly store: JobStore;
  readonly changes: Pick<AttemptChanges, 'apply'>;
  /** The time of day, by Redis' clock. */
  readonly clock: { iso(msFromNow?: number): string };
  readonly retry: RetryOptions;
  readonly admissions: AdmissionControl;
  readonly handlers: ReadonlyMap<string, Handling>;
  /** Aborts when the worker must not start any more tasks. */
  readonly stopping: AbortSignal;
}

/** A task that was stored as running. */
type StoredStart = Omit<StartedTask, 'probation' | 'admission'>;

export class JobStarter {
  readonly #options: JobStarterOptions;
  /** Tasks that wait for their admission, because they may have killed a worker before. */
  readonly #waiting = new Set<{ readonly id: string; readonly cancelled: AbortController }>();

  constructor(options: JobStarterOptions) {
    this.#options = options;
  }

  /**
   * Starts the task of a job, if the task waits for it. Keeps trying while Redis is away. Never rejects.
   * @param known the task's fields, if they were read when the job was taken. If the task has changed since, storing its start
   * notices it.
   */
  async start(job: Job, known?: StoredFields): Promise<StartAnswer> {
    const { retry, stopping } = this.#options;
    const record = await retryStore(() => this.#read(job, known), retry);
    if (record === null) return { result: retry.giveUp.aborted ? 'kept' : 'unwanted' };
    // A task that runs elsewhere or has ended will not start here, so it must not keep others from starting.
    const probation = probationFor(isWanted(record, job) ? record.suspicion : NO_SUSPICION);
    const admission = await this.#enter(job.id, probation);
    if (admission === null) return { result: stopping.aborted ? 'kept' : 'unwanted' };
    const started = await retryStore(async (isRepeated) => {
      const current = isRepeated ? await this.#read(job) : record;
      return current && this.#storeStart(job, current, probation, isRepeated);
    }, retry);
    if (started) return { result: 'started', task: { ...started, probation, admission } };
    admission.leave();
    return { result: retry.giveUp.aborted ? 'kept' : 'unwanted' };
  }

  /** Ends the wait of a task that was cancelled. */
  cancel(id: string): void {
    for (const waiting of this.#waiting) if (waiting.id === id) waiting.cancelled.abort();
  }

  #read({ id }: Job, known?: StoredFields): Promise<TaskRecord | null> {
    return this.#options.store.read(id, WANTED_TO_START, known);
  }

  /** Waits until the task may run beside the others. Null if the worker stops or the task is cancelled before. */
  async #enter(id: string, { isolation }: Probation): Promise<Admission | null> {
    const { admissions, stopping } = this.#options;
    if (isolation === 'free') return admissions.enter('free', stopping);
    const waiting = { id, cancelled: new AbortController() };
    this.#waiting.add(waiting);
    const admission = await admissions.enter(isolation, AbortSignal.any([stopping, waiting.cancelled.signal]));
    this.#waiting.delete(waiting);
    return admission;
  }

  /** Stores that a waiting task runs; null if it does not wait for this run. @throws TaskError `store_unavailable` */
  async #storeStart(
    job: Job,
    record: TaskRecord,
    { isolation }: Probation,
    isRepeated: boolean,
  ): Promise<StoredStart | null> {
    const { store, changes, clock, worker, handlers } = this.#options;
    const { snapshot, run } = record;
    const handling = handlers.get(snapshot.name);
    if (!handling) return null;
    // An earlier try stored the start, but its answer was lost. The answer said whether the owner is watching: assume so.
    if (isRepeated && run === job.run && record.worker === worker) return { ...handling, record, watched: true };
    if (!isWanted(record, job)) {
      await this.#endRunOfOldWorker(job, record);
      return null;
    }
    const median = await store.medianDuration(snapshot.name);
    const expectedAt = median === null ? null : clock.iso(median);
    // Quiet: the reporter pushes a moment later that the task runs, together with its progress by then.
    const change = await changes.apply(
      record,
      { type: 'start', at: clock.iso(), expectedAt, progress: record.handedBackProgress },
      { run, start: { worker, isolation }, isQuiet: true },
    );
    if (!change.ok) return null;
    return { ...handling, record: { ...record, snapshot: change.snapshot, run: job.run }, watched: change.watched };
  }

  /**
   * Ends a run whose worker died, if it was a worker of the trial version. The job was delivered again. Nobody else ends the
   * run, since such workers are in no registry.
   */
  async #endRunOfOldWorker(job: Job, record: TaskRecord): Promise<void> {
    const { snapshot, run, worker } = record;
    if (run !== job.run || worker !== null || isFinished(snapshot)) return;
    const at = this.#options.clock.iso();
    await this.#options.changes.apply(
      record,
      { type: 'fail', at, attempt: snapshot.attempt, error: workerLost(1), retryAt: at },
      { run },
    );
  }
}

/** Whether a task waits for the run that a job asks for. */
function isWanted({ snapshot, run }: TaskRecord, job: Job): boolean {
  return (snapshot.status === 'queued' || snapshot.status === 'retrying') && run + 1 === job.run;
}
