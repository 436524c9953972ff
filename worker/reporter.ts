/**
 * Stores what happens to one attempt, then pushes it. It serves the attempt.
 *
 * Only the latest report is kept. It is stored when the task gets a turn, which the publisher gives within the owner's
 * budget. So a handler that reports 100,000 times a second causes no more messages than one that reports ten times a
 * second. One write is under way at a time, and nothing queues up while Redis is away.
 *
 * | state       | meaning                                    | moves on                                                     |
 * |-------------|--------------------------------------------|--------------------------------------------------------------|
 * | `quiet`     | nothing to tell                            | to `reporting`: a report, or the owner is watching and has   |
 * |             |                                            | not been shown that the attempt runs                         |
 * | `reporting` | waits for a turn or writes, in a loop      | to `quiet`: all was told, or the process is closing          |
 * | `ended`     | reports are ignored; the outcome, if any,  | never                                                        |
 * |             | is tried until the store has answered      |                                                              |
 *
 * `close` and `end` lead from `quiet` and `reporting` to `ended`. Signs of life need no state: the worker asks for one every
 * few seconds, and it is stored if nothing else is being stored, and nothing was stored for some time.
 */

import type { Emitter } from '../backend/events/events.ts';
import { jobIdOf } from '../backend/queue/job.ts';
import type { OwnedTask, TaskRecord } from '../backend/store/record.ts';
import type { Change, ChangeOptions } from '../backend/task-changes.ts';
import type { Time } from '../backend/time.ts';
import { asTaskError, isUnavailable, validFailure } from '../core/error.ts';
import type { Progress, Snapshot } from '../core/tasks/snapshot.ts';
import type { TaskEvent } from '../core/tasks/transition.ts';
import type { ProgressReport } from './context.ts';

/**
 * An attempt is pushed as running this long after it started, together with its progress by then, in one message. Of an
 * attempt that ends before, only the end is pushed.
 */
const SHOWN_AFTER_MS = 200;
/** While the owner is not watching, progress is stored once a second, for requests and for a page that opens. */
const UNWATCHED_STEP_MS = 1_000;
/** A sign of life is pushed only when nothing else was pushed for this long. */
const QUIET_MS = 10_000;
/** The pause between two tries to store how the attempt ended. */
const RETRY_MS = 250;

/** Where an attempt's changes are stored and pushed (backend/task-changes.ts). */
export interface AttemptChanges {
  /** Rejects while Redis is away; the change may have been stored all the same. */
  apply(task: OwnedTask, event: TaskEvent, options: ChangeOptions): Promise<Change>;
  /** Pushes what is stored already, if the owner is watching; returns whether it did. */
  push(task: OwnedTask, watched: boolean): boolean;
}

/** Says when an attempt may store its progress (backend/push/publisher.ts). */
export interface Turns {
  /**
   * Resolves when it is the turn of `key`, `after` ms from now at the earliest; null once `signal` aborts, or when no
   * turn will ever come. Never rejects. A turn must be ended.
   */
  takeTurn(
    owner: string,
    key: string,
    options: { readonly after: number; readonly signal: AbortSignal },
  ): Promise<{ end(): void } | null>;
}

export interface ReporterPorts {
  readonly changes: AttemptChanges;
  readonly turns: Turns;
  /** The time of day, by Redis' clock. */
  readonly clock: { iso(msFromNow?: number): string };
  readonly time: Pick<Time, 'elapsed' | 'delay'>;
  readonly events: Emitter;
}

export interface ReporterOptions {
  readonly ports: ReporterPorts;
  /** The task, in status `running`, at the start of this attempt. */
  readonly record: TaskRecord;
  /** Whether the owner was watching when the attempt started. */
  readonly watched: boolean;
  /** Called when the store says that this attempt is over: another one has taken over, or the task is gone. */
  readonly onStale: () => void;
  /** Called when the store says that the owner has cancelled the task. */
  readonly onCancelling: () => void;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Reporter {
  readonly #ports: ReporterPorts;
  readonly #options: ReporterOptions;
  readonly #attempt: number;
  readonly #closed = new AbortController();
  readonly #startedAt: number;
  #state: 'quiet' | 'reporting' | 'ended' = 'quiet';
  /** The last snapshot that the store answered. */
  #snapshot: Snapshot;
  #watched: boolean;
  /** The last report, or null before the first one. Changed in place, since a new object for each report would cost more. */
  #reported: Mutable<Progress> | null = null;
  /** Whether the last report is still to be stored. */
  #isUnsaved = false;
  /** Whether it was pushed that this attempt runs. */
  #isShown = false;
  #write: Promise<void> | null = null;
  #triedAt: number;
  #writtenAt: number;
  #pushedAt: number;

  constructor(options: ReporterOptions) {
    const now = options.ports.time.elapsed();
    this.#ports = options.ports;
    this.#options = options;
    this.#snapshot = options.record.snapshot;
    this.#attempt = options.record.snapshot.attempt;
    this.#watched = options.watched;
    this.#startedAt = now;
    this.#triedAt = now;
    this.#writtenAt = now;
    this.#pushedAt = now;
    this.#start();
  }

  /** The last report, whether it was stored or not. */
  get latest(): Progress | null {
    return this.#reported && { ...this.#reported };
  }

  /** Keeps what a handler reports. Called for every element, so it makes no promise and no object. Never throws. */
  report(report: ProgressReport): void {
    try {
      // All properties are read before any is kept, since a getter may throw: that must not leave half a report.
      const { done, total, skipped, failed, note } = report;
      this.#reported ??= { done: 0, total: null };
      const reported = this.#reported;
      // What a report leaves out stays as it was reported last.
      if (done !== undefined) reported.done = done;
      if (total !== undefined) reported.total = total;
      if (skipped !== undefined) reported.skipped = skipped;
      if (failed !== undefined) reported.failed = failed;
      if (note !== undefined) reported.note = note;
    } catch {
      return;
    }
    this.#isUnsaved = true;
    if (this.#state === 'quiet') this.#start();
  }

  /** A stage begins. Counting starts again at 0. Never throws. */
  stage(stage: string): void {
    this.#reported = { done: 0, total: null, stage };
    this.#isUnsaved = true;
    if (this.#state === 'quiet') this.#start();
  }

  /** Stores a sign of life, unless something was stored within the last `ms`. */
  alive(ms: number): void {
    const now = this.#ports.time.elapsed();
    if (this.#state === 'ended' || this.#write !== null || now - this.#writtenAt < ms) return;
    const isQuiet = now - this.#pushedAt < QUIET_MS;
    void this.#store({ type: 'alive', at: this.#ports.clock.iso(), attempt: this.#attempt }, isQuiet);
  }

  /** Writes nothing more. */
  close(): void {
    this.#state = 'ended';
    // The reason is a text: without one, `abort` makes an error with a stack, which is slow.
    this.#closed.abort('closed');
  }

  /**
   * Stores how the attempt ended, and pushes it. Tries again until the store has answered or `signal` aborts. If the event
   * cannot be stored although Redis answers (a bug of ours), a failure is stored instead.
   * Nothing of this attempt is written after that. Never rejects.
   */
  async end(event: TaskEvent, signal: AbortSignal): Promise<void> {
    this.close();
    await this.#write;
    let wanted = event;
    let isRepeated = false;
    while (!signal.aborted) {
      try {
        await this.#apply(wanted, { isRepeated });
        return;
      } catch (error) {
        isRepeated = true;
        if (wanted === event && !isUnavailable(error)) wanted = this.#plainFailure(error);
        await this.#ports.time.delay(RETRY_MS, signal);
      }
    }
  }

  #plainFailure(error: unknown): TaskEvent {
    const { clock, events } = this.#ports;
    const [task, attempt] = [this.#snapshot.id, this.#attempt];
    events.emit('attempt.unwritable', () => ({ task, attempt }), { error });
    return { type: 'fail', at: clock.iso(), attempt: this.#attempt, error: validFailure(asTaskError(error)) };
  }

  get #hasNews(): boolean {
    return this.#isUnsaved || (this.#watched && !this.#isShown);
  }

  /** Begins to report, if there is anything to tell and the loop is not running. */
  #start(): void {
    if (this.#state === 'quiet' && this.#hasNews) void this.#keepReporting();
  }

  /** The loop of the state `reporting`: waits for a turn and takes a step, until there is nothing left to tell. */
  async #keepReporting(): Promise<void> {
    const { owner, run, snapshot } = this.#options.record;
    // Two runs of one task may overlap in one worker for a moment. Each takes its own turns.
    const key = jobIdOf({ id: snapshot.id, run });
    this.#state = 'reporting';
    while (this.#hasNews) {
      const turn = await this.#ports.turns.takeTurn(owner, key, { after: this.#pause(), signal: this.#closed.signal });
      if (turn === null) break;
      // A sign of life may be under way.
      await this.#write;
      await this.#step();
      turn.end();
    }
    if (!this.#closed.signal.aborted) this.#state = 'quiet';
  }

  /** How long the next step has to wait, in ms. */
  #pause(): number {
    const at = this.#watched ? this.#startedAt + SHOWN_AFTER_MS : this.#triedAt + UNWATCHED_STEP_MS;
    return Math.max(at - this.#ports.time.elapsed(), 0);
  }

  /** Stores the last report and pushes it. If it is stored already, pushes that the attempt runs. Never rejects. */
  async #step(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const progress = this.latest;
    if (this.#isUnsaved && progress !== null) {
      this.#isUnsaved = false;
      await this.#store({ type: 'progress', at: this.#ports.clock.iso(), attempt: this.#attempt, progress }, false);
    } else if (!this.#isShown) {
      const task = { owner: this.#options.record.owner, snapshot: this.#snapshot };
      if (this.#ports.changes.push(task, this.#watched)) this.#notePushed();
    }
  }

  /** Tries once to store an event of the attempt. Never rejects. */
  #store(event: TaskEvent, isQuiet: boolean): Promise<void> {
    this.#triedAt = this.#ports.time.elapsed();
    this.#write = this.#tryStore(event, isQuiet).finally(() => {
      this.#write = null;
      this.#start();
    });
    return this.#write;
  }

  async #tryStore(event: TaskEvent, isQuiet: boolean): Promise<void> {
    try {
      const change = await this.#apply(event, { isQuiet });
      if (change.ok) {
        this.#writtenAt = this.#triedAt;
        this.#watched = change.watched;
      } else if (change.refusal !== 'unchanged') {
        // `unchanged` (a bar that must not go back): nothing was stored, so a sign of life stays due.
        this.#options.onStale();
      }
    } catch {
      // Redis is away. The next turn tries again, with the latest report by then.
      if (event.type === 'progress') this.#isUnsaved = true;
    }
  }

  async #apply(event: TaskEvent, options: Pick<ChangeOptions, 'isQuiet' | 'isRepeated'>): Promise<Change> {
    const { owner, run } = this.#options.record;
    const change = await this.#ports.changes.apply({ owner, snapshot: this.#snapshot }, event, { run, ...options });
    if (change.ok && change.pushed) this.#notePushed();
    if (change.snapshot?.attempt === this.#attempt) {
      this.#snapshot = change.snapshot;
      if (change.snapshot.status === 'cancelling') this.#options.onCancelling();
    }
    return change;
  }

  #notePushed(): void {
    this.#pushedAt = this.#ports.time.elapsed();
    this.#isShown = true;
  }
}
