/**
 * One attempt, from the start of the handler to the stored outcome. It serves the worker, which runs many.
 *
 * | state      | meaning                                        | moves on                                                  |
 * |------------|------------------------------------------------|-----------------------------------------------------------|
 * | `running`  | the handler runs                               | to `storing`: it returns or throws                        |
 * |            |                                                | to `stopping`: the first of the reasons below             |
 * | `stopping` | the signal is aborted, the handler has `grace` | to `storing`: it returns or throws                        |
 * |            | to return                                      | to `cut off`: the grace is over                           |
 * | `storing`  | how the attempt ended is stored, again and     | to `done`: stored, refused, or the process gives up       |
 * |            | again while Redis is away                      |                                                           |
 * | `cut off`  | as `storing`, but the handler still runs, so   | to `done`: stored, and the handler has returned           |
 * |            | its slot stays taken                           | to `done`: a second grace is over; the handler is *stuck* |
 * | `done`     | the slot is free, or lost to a stuck handler   |                                                           |
 *
 * Reasons to stop: the owner cancels, the deadline is over, the worker has to stop, another attempt has taken over. If the
 * handler returns while stopping, its result counts, since the work is done. If it throws, the error is ignored.
 */

import { whenAborted } from '../../backend/async.ts';
import type { AttemptSpan } from '../../backend/events/tracing.ts';
import type { TaskRecord } from '../../backend/store/record.ts';
import type { Time } from '../../backend/time.ts';
import { asTaskError, TaskError, validFailure } from '../../core/error.ts';
import type { AnyTaskDefinition } from '../../core/tasks/definition.ts';
import { isFinished } from '../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import { backoff } from '../../core/values/backoff.ts';
import { parseResult } from '../../core/values/parse.ts';
import type { Handler, TaskContext } from '../context.ts';
import { Reporter } from '../progress/reporter.ts';
import type { ReporterPorts } from '../progress/reporter-ports.ts';
import { checkInput } from './check-input.ts';
import { type CheckpointFault, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { type ChildPorts, ChildStarter } from './child-starter.ts';

/** Why a handler was told to stop. */
type StopReason = 'cancelled' | 'deadline' | 'worker_stopped' | 'stale';

export interface AttemptPorts extends ReporterPorts {
  readonly children: ChildPorts;
  readonly time: Pick<Time, 'elapsed' | 'delay' | 'within'>;
  /** A random number from 0 to below 1. It spreads the next attempts of tasks that failed at the same time. */
  readonly random: () => number;
}

export interface AttemptOptions {
  readonly ports: AttemptPorts;
  readonly definition: AnyTaskDefinition;
  readonly handler: Handler<AnyTaskDefinition>;
  /** The task, in status `running`, at the start of this attempt. */
  readonly record: TaskRecord;
  /** Whether the owner was watching when the attempt started. */
  readonly watched: boolean;
  /** How long a handler may take to stop, in ms. */
  readonly grace: number;
  /** Aborts when the process must not wait for the store any longer. */
  readonly giveUp: AbortSignal;
  /** How long the event loop was blocked in total while several tasks ran, in ms. */
  readonly sharedBlockMs: () => number;
  /** Its span in the trace of its task; null if it is not traced. */
  readonly span: AttemptSpan | null;
  /** Called when the deadline is moved. The new one is `ms` from now. */
  readonly onMoreTime: (ms: number) => void;
  /** Called when the handler did not return within a second grace. Its slot is lost until the process is replaced. */
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
  #stopReason: StopReason | null = null;
  #isRefusalTold = false;
  #hasOutcome = false;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.id = options.record.snapshot.id;
    this.number = options.record.snapshot.attempt;
    this.run = options.record.run;
    this.#reporter = new Reporter({
      ports: options.ports,
      record: options.record,
      watched: options.watched,
      onStale: () => this.stop('stale'),
      onCancelling: () => this.stop('cancelled'),
    });
    this.done = this.#run();
  }

  /** Whether the attempt has stored the outcome of its task. */
  get hasOutcome(): boolean {
    return this.#hasOutcome;
  }

  /** Tells the handler to stop. Only the first reason counts. */
  stop(reason: StopReason): void {
    if (this.#stopReason !== null) return;
    this.#stopReason = reason;
    if (reason === 'stale') this.#reporter.close();
    this.#controller.abort(STOP_ERRORS[reason]());
  }

  /** Stores a sign of life, unless something was stored within `ms`. */
  giveSignOfLife(ms: number): void {
    this.#reporter.giveSignOfLife(ms);
  }

  async #run(): Promise<void> {
    const { definition, giveUp, grace, ports } = this.#options;
    const ended = new AbortController();
    if (definition.deadline !== null) void this.#keepDeadline(definition.deadline, ended.signal);
    // An error of a handler may itself throw when it is read (a proxy, a getter). Even then the attempt must end.
    const returned = this.#handle().catch(() => this.#failEvent(undefined));
    const cutOff = whenAborted(this.#controller.signal).then(() => ports.time.delay(grace, ended.signal));
    const event = await Promise.race([returned, cutOff.then(() => null)]);
    const isCutOff = event === null;
    await this.#end(isCutOff ? this.#stopEvent() : event, giveUp);
    // Only now, so that the outcome does not wait for this. The reason is a text: without one, `abort` makes an error with a
    // stack, which is slow.
    ended.abort('ended');
    if (isCutOff) await this.#waitForHandler(returned);
  }

  /**
   * Stops the handler at its deadline. Another handler may have blocked the event loop meanwhile, so that time is added to
   * the deadline, once. It is added up to the length of the deadline only, since this handler may be the one that blocks.
   * Example: the deadline is 60 s. If the event loop was blocked for 9 s, the handler is stopped after 69 s. If it was
   * blocked for 100 s, after 120 s.
   */
  async #keepDeadline(deadline: number, ended: AbortSignal): Promise<void> {
    const { sharedBlockMs, onMoreTime, ports } = this.#options;
    const before = sharedBlockMs();
    await ports.time.delay(deadline, ended);
    const more = Math.min(sharedBlockMs() - before, deadline);
    if (more > 0 && !ended.aborted) {
      onMoreTime(more);
      await ports.time.delay(more, ended);
    }
    if (!ended.aborted) this.stop('deadline');
  }

  /** Runs the handler. Resolves to the event that ends the attempt; null if the attempt may not write any more. */
  async #handle(): Promise<TaskEvent | null> {
    const { definition, handler, record } = this.#options;
    try {
      const input = await checkInput(definition, record);
      const checkpointed = record.checkpoint === null ? undefined : await this.#readCheckpoint();
      const returned: unknown = await handler(input as never, this.#context(checkpointed));
      const result = await parseResult(definition, returned);
      return { type: 'succeed', at: this.#now(), attempt: this.number, result, progress: this.#reporter.latest };
    } catch (error) {
      return this.#stopReason === null ? this.#failEvent(error) : this.#stopEvent();
    }
  }

  #now(): string {
    return this.#options.ports.clock.iso();
  }

  async #readCheckpoint(): Promise<unknown> {
    const stored = await decodeCheckpoint(this.#options.definition, this.#options.record);
    if ('value' in stored) return stored.value;
    this.#tellRefusal(stored);
    return undefined;
  }

  #keepCheckpoint(value: unknown): void {
    const encoded = encodeCheckpoint(this.#options.definition, value);
    if (typeof encoded === 'string') this.#reporter.checkpoint(encoded);
    else if (!this.#isRefusalTold) this.#tellRefusal(encoded);
  }

  /**
   * Tells the operator that a checkpoint was refused. A handler may give the same one again and again: once is enough. An
   * outdated one was stored by an earlier attempt, so it does not count as one that the handler gave.
   */
  #tellRefusal({ why, faults }: CheckpointFault): void {
    this.#isRefusalTold = why !== 'outdated';
    const { definition, ports } = this.#options;
    const event = { task: this.id, name: definition.name, attempt: this.number, why };
    ports.events.emit('checkpoint.refused', () => event, faults.length > 0 ? { faults } : {});
  }

  #context(checkpointed: unknown): TaskContext {
    const reporter = this.#reporter;
    const { ports, record } = this.#options;
    const { snapshot, owner } = record;
    const { children, clock, time, events } = ports;
    const starter = new ChildStarter({ children, clock, time, events, record, signal: this.#controller.signal });
    return {
      id: this.id,
      owner,
      attempt: this.number,
      attempts: snapshot.attempts,
      signal: this.#controller.signal,
      progress: (report) => reporter.report(report),
      stage: (name) => reporter.stage(name),
      checkpoint: (value) => this.#keepCheckpoint(value),
      start: (definition, input, options) => starter.start(definition, input, options),
      get checkpointed() {
        // A handler that reads its checkpoint goes on from it, so the bar does, too.
        if (checkpointed !== undefined) reporter.resume();
        return checkpointed;
      },
    };
  }

  #failEvent(thrown: unknown): TaskEvent {
    const { definition, ports } = this.#options;
    const error = asTaskError(thrown);
    // A TaskError that the handler threw is shown to the owner as it is, so it need not be logged. The log gets what the
    // owner does not see: any other error, and which properties were wrong.
    if (error !== thrown || error.issues.length > 0) {
      ports.events.emit(
        'handler.failed',
        () => ({ task: this.id, name: definition.name, attempt: this.number, code: error.code }),
        error !== thrown ? { error: thrown ?? String(thrown) } : { code: error.code, faults: error.issues },
      );
    }
    return {
      type: 'fail',
      at: this.#now(),
      attempt: this.number,
      error: validFailure(error),
      retryAt: ports.clock.iso(backoff(this.number, definition.backoff, ports.random())),
      progress: this.#reporter.latest,
    };
  }

  /** The event that ends an attempt whose handler was told to stop; null if another attempt has taken over. */
  #stopEvent(): TaskEvent | null {
    const base = { at: this.#now(), attempt: this.number, progress: this.#reporter.latest };
    switch (this.#stopReason) {
      case 'cancelled':
        return { type: 'stop', ...base };
      case 'deadline':
        return { type: 'fail', ...base, error: validFailure(STOP_ERRORS.deadline()) };
      case 'worker_stopped':
        return { type: 'release', ...base, error: validFailure(STOP_ERRORS.worker_stopped()) };
      default:
        return null;
    }
  }

  async #end(event: TaskEvent | null, giveUp: AbortSignal): Promise<void> {
    const { span } = this.#options;
    if (event === null) this.#reporter.close();
    const after = event && (await this.#reporter.end(event, giveUp));
    this.#hasOutcome = after !== null && isFinished(after);
    span?.end(after);
  }

  async #waitForHandler(returned: Promise<unknown>): Promise<void> {
    const { definition, grace, onStuck, ports } = this.#options;
    await ports.time.within(returned, grace).catch(() => {
      const seconds = (2 * grace) / 1_000;
      ports.events.emit('handler.stuck', () => ({ task: this.id, name: definition.name, seconds }));
      onStuck(
        new TaskError(
          'handler_stuck',
          `The handler of ${definition.name} did not stop within ${2 * grace} ms of being told to. Pass task.signal on to what it waits for.`,
        ),
      );
    });
  }
}

const STOP_ERRORS: Readonly<Record<StopReason, () => TaskError>> = {
  cancelled: () => new TaskError('cancelled', 'The task was cancelled.', { retryable: false }),
  deadline: () => new TaskError('deadline', 'The task took longer than it may.', { retryable: false }),
  worker_stopped: () => new TaskError('worker_stopped', 'The worker was stopped; the task starts again elsewhere.'),
  stale: () => new TaskError('stale_attempt', 'Another attempt has taken over.', { retryable: false }),
};
