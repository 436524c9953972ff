/**
 * One attempt, from the job to the stored outcome. It serves the worker, which runs many.
 *
 * The handler ends the attempt by returning or throwing. It can be told to stop before: by its owner, by the
 * deadline, by a worker that must stop, or because another attempt has taken over. Then its signal aborts, and a
 * handler that has not stopped after the grace is cut off: the task moves on, while the slot stays taken until
 * the handler really returns. One that does not return within a second grace is reported as stuck.
 */

import { aborted, delay, withDeadline } from '../backend/async.ts';
import type { Backend } from '../backend/backend.ts';
import type { TaskRecord } from '../backend/store/store.ts';
import { backoff } from '../core/backoff.ts';
import type { AnyTaskDefinition } from '../core/definition.ts';
import { asTaskError, soundFailure, TaskError } from '../core/error.ts';
import { parseResult } from '../core/parse.ts';
import type { TaskEvent } from '../core/transition.ts';
import { checkInput } from './check-input.ts';
import type { Handler, TaskContext } from './context.ts';
import { Reporter } from './reporter.ts';

/** Why a handler was told to stop. */
type StopReason = 'cancelled' | 'deadline' | 'worker_stopped' | 'stale';

export interface AttemptOptions {
  readonly backend: Backend;
  readonly definition: AnyTaskDefinition;
  readonly handler: Handler<AnyTaskDefinition>;
  /** The task as it stands: running, with this attempt. */
  readonly record: TaskRecord;
  /** Whether the owner had a page open when the attempt started. */
  readonly watched: boolean;
  /** How long a handler may take to stop, in ms. */
  readonly grace: number;
  /** Aborts when the process must not wait for the store any longer. */
  readonly giveUp: AbortSignal;
  /** For how long others may have held this one up so far, by blocking the event loop, in ms. Never falls. */
  readonly heldUp: () => number;
  /** The handler may take so many ms from now on. */
  readonly onMoreTime: (ms: number) => void;
  /** The handler did not return within a second grace; its slot is lost until the process is replaced. */
  readonly onStuck: (error: TaskError) => void;
}

export class Attempt {
  readonly id: string;
  readonly number: number;
  /** Which run of its task this is. */
  readonly run: number;
  /** Resolves when the outcome is stored and the handler has returned, or is stuck. Never rejects. */
  readonly done: Promise<void>;
  readonly #options: AttemptOptions;
  readonly #controller = new AbortController();
  readonly #reporter: Reporter;
  #stopped: StopReason | null = null;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.id = options.record.snapshot.id;
    this.number = options.record.snapshot.attempt;
    this.run = options.record.run;
    this.#reporter = new Reporter({
      backend: options.backend,
      record: options.record,
      watched: options.watched,
      onStale: () => this.stop('stale'),
      onCancelling: () => this.stop('cancelled'),
    });
    this.done = this.#run();
  }

  /** Tells the handler to stop. The first reason counts. */
  stop(reason: StopReason): void {
    if (this.#stopped !== null) return;
    this.#stopped = reason;
    if (reason === 'stale') this.#reporter.close();
    this.#controller.abort(STOP_ERRORS[reason]());
  }

  /** Stores a sign of life, unless something was stored within `ms`. */
  alive(ms: number): void {
    this.#reporter.alive(ms);
  }

  async #run(): Promise<void> {
    const { definition, giveUp, grace } = this.#options;
    const ended = new AbortController();
    if (definition.deadline !== null) void this.#keepDeadline(definition.deadline, ended.signal);
    // What was thrown may throw itself when it is looked at. No attempt may end without an event for that.
    const returned = this.#handle().catch(() => this.#failEvent(undefined));
    const cutOff = aborted(this.#controller.signal).then(() => delay(grace, ended.signal));
    const event = await Promise.race([returned, cutOff.then(() => null)]);
    const isCutOff = event === null;
    await this.#end(isCutOff ? this.#stopEvent() : event, giveUp);
    // Afterwards, since whoever waits for the outcome need not wait for this; and with a reason, since making the usual
    // error costs more than all the rest of it.
    ended.abort('ended');
    if (isCutOff) await this.#waitForHandler(returned);
  }

  /**
   * Nobody can tell which handler blocked the event loop. So the time that others may have taken from this one is given
   * back, but no more than the deadline once over: it may have been this one that blocks, again and again.
   */
  async #keepDeadline(deadline: number, ended: AbortSignal): Promise<void> {
    const { heldUp, onMoreTime } = this.#options;
    const before = heldUp();
    await delay(deadline, ended);
    const more = Math.min(heldUp() - before, deadline);
    if (more > 0 && !ended.aborted) {
      onMoreTime(more);
      await delay(more, ended);
    }
    if (!ended.aborted) this.stop('deadline');
  }

  /** Runs the handler, and says how it ended. */
  async #handle(): Promise<TaskEvent | null> {
    const { definition, handler, record } = this.#options;
    try {
      const input = await checkInput(definition, record);
      const returned: unknown = await handler(input as never, this.#context());
      const result = await parseResult(definition, returned);
      return { type: 'succeed', at: this.#now(), attempt: this.number, result, progress: this.#reporter.latest };
    } catch (error) {
      return this.#stopped === null ? this.#failEvent(error) : this.#stopEvent();
    }
  }

  /** The time that is `ms` from now, for an event. */
  #now(ms = 0): string {
    return this.#options.backend.clock.iso(ms);
  }

  #context(): TaskContext {
    const reporter = this.#reporter;
    const { snapshot, owner } = this.#options.record;
    return {
      id: this.id,
      owner,
      attempt: this.number,
      attempts: snapshot.attempts,
      signal: this.#controller.signal,
      progress: (report) => reporter.report(report),
      stage: (name) => reporter.stage(name),
    };
  }

  #failEvent(thrown: unknown): TaskEvent {
    const { backend, definition } = this.#options;
    const error = asTaskError(thrown);
    // What the owner may read says it all, unless we, or plain JavaScript, made the error.
    if (error !== thrown || error.issues.length > 0) {
      backend.log.error(`${definition.name} failed`, {
        task: this.id,
        attempt: this.number,
        ...(error !== thrown ? { error: thrown ?? String(thrown) } : { code: error.code, faults: error.issues }),
      });
    }
    return {
      type: 'fail',
      at: this.#now(),
      attempt: this.number,
      error: soundFailure(error),
      retryAt: this.#now(backoff(this.number, definition.backoff, Math.random())),
      progress: this.#reporter.latest,
    };
  }

  /** How an attempt ends whose handler was told to stop; null where it may say nothing any more. */
  #stopEvent(): TaskEvent | null {
    const base = { at: this.#now(), attempt: this.number, progress: this.#reporter.latest };
    switch (this.#stopped) {
      case 'cancelled':
        return { type: 'stop', ...base };
      case 'deadline':
        return { type: 'fail', ...base, error: STOP_ERRORS.deadline().toFailure() };
      case 'worker_stopped':
        return { type: 'release', ...base, error: STOP_ERRORS.worker_stopped().toFailure() };
      default:
        return null;
    }
  }

  async #end(event: TaskEvent | null, giveUp: AbortSignal): Promise<void> {
    if (event === null) this.#reporter.close();
    else await this.#reporter.end(event, giveUp);
  }

  async #waitForHandler(returned: Promise<unknown>): Promise<void> {
    const { definition, grace, onStuck } = this.#options;
    await withDeadline(returned, grace).catch(() =>
      onStuck(
        new TaskError(
          'handler_stuck',
          `The handler of ${definition.name} did not stop within ${2 * grace} ms of being told to. Pass task.signal on to what it waits for.`,
        ),
      ),
    );
  }
}

const STOP_ERRORS: Readonly<Record<StopReason, () => TaskError>> = {
  cancelled: () => new TaskError('cancelled', 'The task was cancelled.', { retryable: false }),
  deadline: () => new TaskError('deadline', 'The task took longer than it may.', { retryable: false }),
  worker_stopped: () => new TaskError('worker_stopped', 'The worker was stopped; the task starts again elsewhere.'),
  stale: () => new TaskError('stale_attempt', 'Another attempt has taken over.', { retryable: false }),
};
