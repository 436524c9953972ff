/**
 * Writes what happens to one attempt: to the store first, then to the bus. It serves the attempt that runs.
 *
 * Progress is coalesced: the latest report wins, and it is neither stored nor pushed before it is the task's turn, which
 * the publisher gives within the owner's message budget. One write is under way at a time; while Redis is away
 * nothing queues up.
 */

import { delay } from '../backend/async.ts';
import type { Backend } from '../backend/backend.ts';
import { jobIdOf } from '../backend/queue/job.ts';
import type { TaskRecord } from '../backend/store/store.ts';
import type { Change, ChangeOptions } from '../backend/task-changes.ts';
import { asTaskError, isUnavailable, soundFailure } from '../core/error.ts';
import type { Progress, Snapshot } from '../core/snapshot.ts';
import type { TaskEvent } from '../core/transition.ts';
import type { ProgressReport } from './context.ts';

/**
 * An attempt is shown to run this long after it started, with what it has done by then: sooner would be one message more
 * for nothing that an eye could see. One that ends before is only shown to have ended.
 */
const FIRST_STEP_MS = 200;
/** Nobody has a page open: stored once a second, for who asks and for a page that opens. */
const UNWATCHED_STEP_MS = 1_000;
/** A sign of life is pushed only when nothing else was for this long. */
const QUIET_MS = 10_000;
const RETRY_MS = 250;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface ReporterOptions {
  readonly backend: Backend;
  readonly record: TaskRecord;
  /** Whether the owner had a page open when the attempt started. */
  readonly watched: boolean;
  /** The store says that this attempt is over: another one has taken over, or the task is gone. */
  readonly onStale: () => void;
  /** The store says that the owner has called the task off. */
  readonly onCancelling: () => void;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #attempt: number;
  #snapshot: Snapshot;
  /** What was reported last, or null before the first report. Written to in place: a report should cost no more. */
  #reported: Mutable<Progress> | null = null;
  #isDirty = false;
  /** Whether anybody has been shown that this attempt runs. */
  #isShown = false;
  #watched: boolean;
  #isAsking = false;
  #writing: Promise<void> | null = null;
  #isClosed = false;
  /** On a clock that never goes back, in ms. */
  #triedAt = performance.now();
  #writtenAt = performance.now();
  #pushedAt = performance.now();

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#snapshot = options.record.snapshot;
    this.#attempt = options.record.snapshot.attempt;
    this.#watched = options.watched;
    if (this.#watched) this.#ask(FIRST_STEP_MS);
  }

  /** The last report, whether it was written or not. */
  get latest(): Progress | null {
    return this.#reported && { ...this.#reported };
  }

  report(report: ProgressReport): void {
    try {
      // All is read before anything is kept: a getter that throws must not hurt the work, nor leave half a report.
      const { done, total, skipped, failed, note } = report;
      this.#reported ??= { done: 0, total: null };
      const reported = this.#reported;
      // A report that leaves something out means what was last said of it.
      if (done !== undefined) reported.done = done;
      if (total !== undefined) reported.total = total;
      if (skipped !== undefined) reported.skipped = skipped;
      if (failed !== undefined) reported.failed = failed;
      if (note !== undefined) reported.note = note;
    } catch {
      return;
    }
    this.#isDirty = true;
    if (!this.#isAsking) this.#askSoon();
  }

  stage(stage: string): void {
    this.#reported = { done: 0, total: null, stage };
    this.#isDirty = true;
    if (!this.#isAsking) this.#askSoon();
  }

  /** Stores a sign of life, unless something was written within `ms`. */
  alive(ms: number): void {
    if (this.#isClosed || this.#writing !== null || performance.now() - this.#writtenAt < ms) return;
    const isQuiet = performance.now() - this.#pushedAt < QUIET_MS;
    void this.#write({ type: 'alive', at: this.#options.backend.clock.iso(), attempt: this.#attempt }, isQuiet);
  }

  /** Writes nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#options.backend.publisher.withdraw(this.#options.record.owner, this.#turnKey);
  }

  /**
   * Writes how the attempt ended, and pushes it; tries until the store has answered or `signal` aborts. An event that cannot
   * be written although the store is there (a bug of ours) becomes a plain failure: no attempt ends without an event.
   * Nothing of this attempt is written afterwards.
   */
  async end(event: TaskEvent, signal: AbortSignal): Promise<void> {
    this.close();
    await this.#writing?.catch(() => undefined);
    let wanted = event;
    let isRepeated = false;
    while (!signal.aborted) {
      try {
        await this.#apply(wanted, { isRepeated });
        return;
      } catch (error) {
        isRepeated = true;
        if (wanted === event && !isUnavailable(error)) wanted = this.#plainFailure(error);
        await delay(RETRY_MS, signal);
      }
    }
  }

  #plainFailure(error: unknown): TaskEvent {
    const { backend, record } = this.#options;
    backend.log.error('An attempt ended, but how could not be written; it counts as failed', {
      task: record.snapshot.id,
      attempt: this.#attempt,
      error,
    });
    return {
      type: 'fail',
      at: this.#options.backend.clock.iso(),
      attempt: this.#attempt,
      error: soundFailure(asTaskError(error)),
    };
  }

  /** Asks for the next turn; while a write is under way, that is done after it. */
  #askSoon(): void {
    if (this.#isClosed || this.#writing !== null) return;
    this.#ask(this.#watched ? 0 : this.#triedAt + UNWATCHED_STEP_MS - performance.now());
  }

  #ask(ms: number): void {
    const { backend, record } = this.#options;
    this.#isAsking = true;
    backend.publisher.askForTurn(record.owner, this.#turnKey, ms, () => this.#step());
  }

  async #step(): Promise<void> {
    this.#isAsking = false;
    // A sign of life is under way; the turn is asked for again after it.
    if (this.#isClosed || this.#writing !== null) return;
    const progress = this.latest;
    if (this.#isDirty && progress !== null) {
      this.#isDirty = false;
      await this.#write(
        { type: 'progress', at: this.#options.backend.clock.iso(), attempt: this.#attempt, progress },
        false,
      );
    } else if (!this.#isShown) {
      const { backend, record } = this.#options;
      if (backend.changes.push({ owner: record.owner, snapshot: this.#snapshot }, this.#watched)) this.#noteShown();
    }
  }

  #write(event: TaskEvent, isQuiet: boolean): Promise<void> {
    this.#triedAt = performance.now();
    this.#writing = this.#apply(event, { isQuiet })
      .then(
        (applied) => {
          if (applied.ok) {
            // Not where nothing has changed (a bar that is held back): then a sign of life is still due.
            this.#writtenAt = this.#triedAt;
            this.#watched = applied.watched;
          } else if (applied.refusal !== 'unchanged') this.#options.onStale();
        },
        () => {
          // Redis is away. The next turn tries again, with whatever is the latest then.
          if (event.type === 'progress') this.#isDirty = true;
        },
      )
      .finally(() => {
        this.#writing = null;
        if (this.#isDirty || (this.#watched && !this.#isShown)) this.#askSoon();
      });
    return this.#writing;
  }

  async #apply(event: TaskEvent, options: Pick<ChangeOptions, 'isQuiet' | 'isRepeated'>): Promise<Change> {
    const { backend, record } = this.#options;
    const { owner, run } = record;
    const applied = await backend.changes.apply({ snapshot: this.#snapshot, owner }, event, { run, ...options });
    if (applied.ok && applied.pushed) this.#noteShown();
    if (applied.snapshot?.attempt === this.#attempt) {
      this.#snapshot = applied.snapshot;
      if (applied.snapshot.status === 'cancelling') this.#options.onCancelling();
    }
    return applied;
  }

  /** Runs of one task may overlap in one worker for a moment; each asks for itself. */
  get #turnKey(): string {
    const { snapshot, run } = this.#options.record;
    return jobIdOf({ id: snapshot.id, run });
  }

  #noteShown(): void {
    this.#pushedAt = performance.now();
    this.#isShown = true;
  }
}
