/**
 * `runTask`: runs a handler as a worker would, from the input to the outcome, without Redis and without waiting. It serves
 * adopters' unit tests. The parts of production run: the parsing of input and result, the attempts, the rules of progress,
 * deadline and cancellation (worker/), on a store in memory.
 */

import { v7 as uuid } from 'uuid';
import type { Log } from '../backend/log/log.ts';
import type { StoredCheckpoint } from '../backend/store/record.ts';
import { ConfigError } from '../core/config-error.ts';
import { TaskError } from '../core/error.ts';
import { MAX_CHECKPOINT_BYTES } from '../core/limits.ts';
import type { AnyTaskDefinition, CheckpointOf, InputOf, ResultOf } from '../core/tasks/definition.ts';
import {
  createSnapshot,
  isFinished,
  type Outcome,
  type OutcomeSnapshot,
  type Snapshot,
} from '../core/tasks/snapshot.ts';
import { type Duration, toMilliseconds } from '../core/values/duration.ts';
import { placeOf, toJson } from '../core/values/json.ts';
import { parseInput } from '../core/values/parse.ts';
import type { Handler, ProgressReport, TaskContext } from '../worker/context.ts';
import { InMemoryBackend } from './backend/memory-backend.ts';
import { type ChildRun, Children } from './run-children.ts';
import { runHandlers } from './run-handlers.ts';
import type { TestClock } from './time/test-clock.ts';
import { chooseTime, type TestTime } from './time/test-time.ts';

/** What `runTask` takes besides the definition, the handler and the input. */
export interface RunTaskOptions<Checkpoint = unknown> {
  /** The owner cancels the task so long after it was accepted, unless it has ended. */
  readonly cancelAfter?: Duration;
  /** The owner cancels the task at the first report for which this returns true. */
  readonly cancelWhen?: (report: Report) => boolean;
  /** The first attempt finds this in `task.checkpointed`, as if an attempt before had stored it. */
  readonly checkpointed?: Checkpoint;
  /**
   * How a task ends that the handler starts with `task.start`. Its own handler does not run: it ends at once. Default: it
   * succeeds.
   */
  readonly childOutcome?: (child: ChildRun) => Outcome;
  /** Another deadline than the definition's. Only with this option does the time jump to it, once the handler is quiet. */
  readonly deadline?: Duration;
  /** How long the handler may take to stop when it is told to. Then it is cut off. Default 5 s, as a worker's. */
  readonly grace?: Duration;
  /** The clock by which the handler waits. Default: a new one, or the global timers if they are faked. */
  readonly clock?: TestClock;
  /** Default `ada`. */
  readonly owner?: string;
  /** Gets what an operator would be told. Default: nothing is written. */
  readonly log?: Log;
}

/** One call of `task.progress` or `task.stage`, as the handler made it. */
export interface Report extends Partial<ProgressReport> {
  readonly attempt: number;
  /** When, in ms since the task was accepted. */
  readonly atMs: number;
  /** Given by `task.stage`, and by nothing else. */
  readonly stage?: string;
}

/** One call of `task.checkpoint`. Which of them were stored is not told: the last one of each attempt is, and few others. */
export interface GivenCheckpoint<Checkpoint = unknown> {
  readonly attempt: number;
  /** When, in ms since the task was accepted. */
  readonly atMs: number;
  /** As the handler gave it, copied. */
  readonly value: Checkpoint;
}

/** One attempt, as the handler ran it. */
export interface AttemptRun {
  /** From 1. */
  readonly attempt: number;
  /** In ms since the task was accepted. */
  readonly startMs: number;
  /** When the handler returned or threw. Null if it did neither. */
  readonly endMs: number | null;
  /** What the handler threw, even if owners do not get to see it since it is no TaskError. Undefined if it returned. */
  readonly thrown: unknown;
}

/** What became of a task. */
export interface TaskRun<Result = unknown, Checkpoint = unknown> {
  /** The task as its owner sees it in the end: `status`, `result`, `error`, `progress` and so on. */
  readonly outcome: OutcomeSnapshot<Result>;
  /** Every report of every attempt, in order. */
  readonly reports: readonly Report[];
  /** Every checkpoint of every attempt, in order, if it is JSON. Whether one was refused is told to `log`. */
  readonly checkpoints: readonly GivenCheckpoint<Checkpoint>[];
  readonly attempts: readonly AttemptRun[];
  /** Every task that the handler started, in order. */
  readonly children: readonly ChildRun[];
  /** Every snapshot that was stored, in order. */
  readonly snapshots: readonly Snapshot[];
  readonly timing: {
    /** From when the task was accepted to its outcome, in ms. */
    readonly totalMs: number;
    /** Of that, how long handlers ran. */
    readonly runningMs: number;
  };
  /** Whether the handler did not stop within twice the grace. In production that costs a worker's slot. */
  readonly isStuck: boolean;
}

/**
 * Starts a task, runs `handler` for it as often as its attempts allow, and resolves with what became of it. It does not reject
 * because a handler throws: that is an outcome.
 *
 * @param input as `start` takes it
 * @throws TaskError `invalid_input` (422) or `too_large` (413), as `start` does; ConfigError `invalid_options` or
 *   `invalid_duration` for a wrong option
 * @example
 * const { outcome, reports } = await runTask(importContacts, importHandler, { uploadId: 'u1', filename: 'a.csv' });
 * expect(outcome).toMatchObject({ status: 'succeeded', result: { imported: 2, skipped: 0 } });
 */
export async function runTask<D extends AnyTaskDefinition>(
  definition: D,
  handler: Handler<D>,
  input: InputOf<D>,
  options: RunTaskOptions<CheckpointOf<D>> = {},
): Promise<TaskRun<ResultOf<D>, CheckpointOf<D>>> {
  const { owner = 'ada', cancelAfter, deadline, grace } = options;
  checkHandler(definition, handler);
  const time = chooseTime(options.clock, 'runTask');
  const world = new InMemoryBackend(time, options.log);
  const tested = withDeadline(definition, deadline);
  const parsed = await parseInput(definition, input ?? null);
  const { name, attempts } = definition;
  const title = definition.titleOf(parsed.value);
  const queued = createSnapshot({ id: uuid(), name, title, attempts, at: world.clock.iso() });
  const snapshots: Snapshot[] = [queued];
  world.store.onChange((id, snapshot) => {
    if (id === queued.id) snapshots.push(snapshot);
  });
  const cancel = () => {
    // A task that has ended stays as it is. In an application the owner gets a 409 then.
    const cancelled = world.changes.apply({ owner, snapshot: queued }, { type: 'cancel', at: world.clock.iso() });
    cancelled.catch(() => undefined);
  };
  const began = time.now();
  const outcomeOf = options.childOutcome ?? ((): Outcome => 'succeeded');
  const children = new Children({ world, outcomeOf, now: () => time.now() - began });
  const notes = new Notes(time, children, (report) => options.cancelWhen?.(report) && cancel());

  const ended = new AbortController();
  if (cancelAfter !== undefined) {
    const ms = toMilliseconds(cancelAfter, 'runTask: cancelAfter');
    // `quiet`: the time jumps there if the handler is at nothing that can be seen (`time/pass-time.ts`).
    void time.delay(ms, 'quiet', ended.signal).then(() => ended.signal.aborted || cancel());
  }
  const checkpoint = checkpointOf(options.checkpointed);
  const { onChildFailure } = definition as AnyTaskDefinition;
  await world.changes.create(
    { snapshot: queued, owner, input: parsed.value, raw: parsed.raw, checkpoint, onChildFailure },
    // No idempotency key.
    null,
  );
  const noted = notes.around(handler as unknown as Handler<AnyTaskDefinition>);
  const runOptions = { ...(grace === undefined ? {} : { grace }), jumpsToDeadline: deadline !== undefined };
  const run = runHandlers(world, [{ definition: tested, handler: noted }], runOptions);
  const isStuck = await getsStuck(run).finally(() => ended.abort());
  const stored = await world.store.read(queued.id, { result: true });
  if (!stored || !isFinished(stored.snapshot))
    throw new Error('inloop: the task has no outcome, which is a bug of inloop');
  return {
    outcome: stored.snapshot as OutcomeSnapshot<ResultOf<D>>,
    reports: notes.reports,
    checkpoints: notes.checkpoints as readonly GivenCheckpoint<CheckpointOf<D>>[],
    attempts: notes.attempts,
    children: children.started,
    snapshots,
    timing: notes.timing(stored.snapshot),
    isStuck,
  };
}

function withDeadline(definition: AnyTaskDefinition, deadline: Duration | undefined): AnyTaskDefinition {
  if (deadline === undefined) return definition;
  return { ...definition, deadline: toMilliseconds(deadline, 'runTask: deadline') };
}

/** Whether a run ended because a handler got stuck. Rejects with any other error of the run. */
function getsStuck(run: Promise<void>): Promise<boolean> {
  return run.then(
    () => false,
    (error: unknown) => {
      if (error instanceof TaskError && error.code === 'handler_stuck') return true;
      throw error;
    },
  );
}

/** @throws ConfigError `invalid_options` if it is no JSON, or too large */
function checkpointOf(value: unknown): StoredCheckpoint | null {
  if (value === undefined) return null;
  const json = toJson(value, MAX_CHECKPOINT_BYTES);
  if (json.ok) return { value: JSON.parse(json.text), progress: null };
  throw new ConfigError('invalid_options', `runTask: checkpointed: ${placeOf(json.fault)} ${json.fault.message}.`);
}

function checkHandler(definition: AnyTaskDefinition, handler: unknown): void {
  if (typeof definition?.titleOf === 'function' && typeof handler === 'function') return;
  throw new ConfigError('invalid_options', 'runTask: expected a definition as defineTask gives it, and a handler.');
}

/** A copy of a report. A getter that throws must not make `progress` throw. */
function copyOf(made: object): object {
  try {
    return { ...made };
  } catch {
    return {};
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Notes what a handler does. */
class Notes {
  readonly reports: Report[] = [];
  readonly checkpoints: GivenCheckpoint[] = [];
  readonly attempts: Mutable<AttemptRun>[] = [];
  readonly #time: TestTime;
  readonly #began: number;
  readonly #children: Children;
  readonly #onReport: (report: Report) => void;

  constructor(time: TestTime, children: Children, onReport: (report: Report) => void) {
    this.#time = time;
    this.#children = children;
    this.#began = time.now();
    this.#onReport = onReport;
  }

  /** `handler`, with everything noted that it does. */
  around(handler: Handler<AnyTaskDefinition>): Handler<AnyTaskDefinition> {
    return async (input, task) => {
      const { attempt } = task;
      const run: Mutable<AttemptRun> = { attempt, startMs: this.#ms(), endMs: null, thrown: undefined };
      this.attempts.push(run);
      try {
        return await handler(input, this.#watch(task));
      } catch (error) {
        run.thrown = error;
        throw error;
      } finally {
        run.endMs = this.#ms();
      }
    };
  }

  timing({ createdAt, finishedAt }: OutcomeSnapshot): TaskRun['timing'] {
    const totalMs = Date.parse(finishedAt) - Date.parse(createdAt);
    const runs = this.attempts.map(({ startMs, endMs }) => Math.min(endMs ?? totalMs, totalMs) - startMs);
    return { totalMs, runningMs: runs.reduce((sum, ms) => sum + ms, 0) };
  }

  #watch(task: TaskContext): TaskContext {
    const note = (made: object) => {
      const report = { attempt: task.attempt, atMs: this.#ms(), ...copyOf(made) };
      this.reports.push(report);
      this.#onReport(report);
    };
    const noteCheckpoint = (value: unknown) => {
      const json = toJson(value, MAX_CHECKPOINT_BYTES);
      if (!json.ok) return;
      this.checkpoints.push({ attempt: task.attempt, atMs: this.#ms(), value: JSON.parse(json.text) });
    };
    const { id, owner, attempt, attempts, signal } = task;
    return {
      ...{ id, owner, attempt, attempts, signal },
      progress: (report) => {
        task.progress(report);
        note(report);
      },
      stage: (stage) => {
        task.stage(stage);
        note({ stage });
      },
      checkpoint: (value) => {
        task.checkpoint(value);
        noteCheckpoint(value);
      },
      start: this.#children.startOf(task),
      // A getter, since reading it says that the attempt goes on from there. To copy the value here would say so each time.
      get checkpointed() {
        return task.checkpointed;
      },
    };
  }

  #ms(): number {
    return this.#time.now() - this.#began;
  }
}
