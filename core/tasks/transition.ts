/**
 * How a task changes: the statuses, the events, and what each event does in each status. Pure. Every change of a stored task
 * goes through it.
 *
 * - `queued`: accepted, not started. Starts, or is cancelled at once.
 * - `running`: a worker runs an attempt. It reports progress and signs of life. The status changes to an outcome, to
 *   `cancelling`, or to `retrying` (the attempt failed, its worker died, or its worker was stopped).
 * - `retrying`: the task waits for its next start. After a failure, `attempt` is already the next number. After `release` (a
 *   worker handed the task back) `attempt` stays the same, so that the task loses none. In both cases the store refuses
 *   writes of the earlier run.
 * - `cancelling`: the handler was told to stop. If the handler returns a result all the same, the task has succeeded, because
 *   the work is done. However else the attempt ends, the task is `cancelled`.
 * - A task that has `children` waits for them after its handler has returned. It is then `running` or `cancelling` with
 *   `waitingFor: 'children'`, and its attempt is over (children.ts).
 * - `succeeded`, `failed`, `cancelled`: final. Only `see` still changes the snapshot, once.
 *
 * An event that belongs to an attempt names it, and is refused once that attempt is over.
 *
 * Viewers move a bar by `progress.rate` from `updatedAt` on (pace.ts). So a change without a new `done` removes the rate. Only
 * `children` leaves both to a running attempt.
 */

import { type TaskFailure, validFailure } from '../error.ts';
import { nextRevision, outcomeFields, withoutWait } from './changed-fields.ts';
import {
  type FamilyState,
  updateWaitingParent,
  type WaitingParent,
  waitForChildren,
  waitsForChildren,
  withChildren,
} from './children.ts';
import { withoutRate } from './pace.ts';
import { advance, sameProgress } from './progress.ts';
import type {
  CancelledSnapshot,
  CancellingSnapshot,
  FailedSnapshot,
  Outcome,
  Progress,
  QueuedSnapshot,
  RetryingSnapshot,
  RunningSnapshot,
  Snapshot,
  Status,
  SucceededSnapshot,
} from './snapshot.ts';

/** What can happen to a task. `at` is when (ISO 8601, UTC). */
export type TaskEvent =
  /** No running worker has the handler of the task (`for: 'worker'`), or one has it again (`for: null`). */
  | { readonly type: 'wait'; readonly at: string; readonly for: 'worker' | null }
  /**
   * A worker starts the next attempt. `expectedAt`: when the task will probably finish, if known. `progress`: what an earlier run
   * of this attempt had shown when it was handed back.
   */
  | {
      readonly type: 'start';
      readonly at: string;
      readonly expectedAt?: string | null;
      readonly progress?: Progress | null;
    }
  /** The handler reported how far it is. */
  | { readonly type: 'progress'; readonly at: string; readonly attempt: number; readonly progress: Progress }
  /** A sign of life: the worker is still at the task. `progress`: how far the attempt is by now, where that is known. */
  | {
      readonly type: 'alive';
      readonly at: string;
      readonly attempt: number;
      readonly progress?: Progress | null;
    }
  /** The handler returned. `progress` is its last report, if any. */
  | {
      readonly type: 'succeed';
      readonly at: string;
      readonly attempt: number;
      readonly result: unknown;
      readonly progress?: Progress | null;
    }
  /** The attempt failed. The next one starts at `retryAt`, if the error is retryable and attempts are left. */
  | {
      readonly type: 'fail';
      readonly at: string;
      readonly attempt: number;
      readonly error: TaskFailure;
      readonly retryAt?: string | null;
      readonly progress?: Progress | null;
    }
  /**
   * The worker hands the task back: it is being stopped, or has died because of another task. The attempt starts again.
   * `progress` is the last report, which the store keeps beside the checkpoint. The snapshot does not show it.
   */
  | {
      readonly type: 'release';
      readonly at: string;
      readonly attempt: number;
      readonly error: TaskFailure;
      readonly progress?: Progress | null;
    }
  /** The task was cancelled: by its owner, by an operator, by a task that replaces it, or because its parent was cancelled or failed. */
  | { readonly type: 'cancel'; readonly at: string }
  /** The handler stopped because of `cancel`. */
  | { readonly type: 'stop'; readonly at: string; readonly attempt: number; readonly progress?: Progress | null }
  /** Children were started or have ended. */
  | ({ readonly type: 'children'; readonly at: string } & FamilyState)
  /** The owner saw the outcome. The store keeps the time beside the snapshot, and applies this event on each read. */
  | { readonly type: 'see'; readonly at: string };

/** Why an event was refused. */
export type Refusal =
  /** The attempt it belongs to is over. */
  | 'stale_attempt'
  /** The task has its outcome. */
  | 'final'
  /** The status does not allow it. */
  | 'not_allowed'
  /** It would change nothing. */
  | 'unchanged';

/** The changed snapshot, or why the event was refused. */
export type Transition =
  | { readonly ok: true; readonly snapshot: Snapshot }
  | { readonly ok: false; readonly refusal: Refusal };

/** The snapshot after `event`, with the next revision, or why the event is refused. Does not change `task`. Never throws. */
export function transition(task: Snapshot, event: TaskEvent): Transition {
  if ('attempt' in event && event.attempt !== task.attempt) return refuse('stale_attempt');
  switch (task.status) {
    case 'queued':
    case 'retrying':
      switch (event.type) {
        case 'start':
          // A task that is retrying names its next attempt already.
          return accept(started(task, event, task.status === 'queued' ? task.attempt + 1 : task.attempt));
        case 'wait':
          return changeWait(task, event);
        case 'cancel':
          return accept(cancelled(task, event.at, null));
        case 'children':
          return changeChildren(task, event);
        default:
          return refuse('not_allowed');
      }

    case 'running':
    case 'cancelling':
      return waitsForChildren(task) ? changeWaitingParent(task, event) : changeAttempting(task, event);

    case 'succeeded':
    case 'failed':
    case 'cancelled':
      if (event.type !== 'see') return refuse('final');
      if (task.seenAt !== null) return refuse('unchanged');
      return accept({ ...task, ...nextRevision(task, event.at), seenAt: event.at });

    default:
      return unreachable(task);
  }
}

/** Whether an owner may cancel a task in this status. */
export function canCancel(status: Status): boolean {
  return status === 'queued' || status === 'running' || status === 'retrying';
}

/** Whether an owner may retry a task in this status, with a new task. */
export function canRetry(status: Status): status is Exclude<Outcome, 'succeeded'> {
  return status === 'failed' || status === 'cancelled';
}

/** A task that waits for its next start. */
type Waiting = QueuedSnapshot | RetryingSnapshot;

function changeWait(task: Waiting, event: TaskEvent & { type: 'wait' }): Transition {
  if ((task.waitingFor ?? null) === event.for) return refuse('unchanged');
  const { waitingFor: _, queue: __, ...known } = task as QueuedSnapshot;
  const rest = { ...known, ...nextRevision(task, event.at) } as Waiting;
  return accept(event.for === null ? rest : { ...rest, waitingFor: event.for });
}

/** A task with an attempt that a worker runs. */
type Attempting = RunningSnapshot | CancellingSnapshot;

/** What an event does to a task while a worker runs an attempt of it. */
function changeAttempting(task: Attempting, event: TaskEvent): Transition {
  const isCancelling = task.status === 'cancelling';
  switch (event.type) {
    case 'progress': {
      const progress = advance(task.progress, event.progress);
      // The same progress again is a change if it has a rate: the bar then moves on from this time.
      if (progress.rate === undefined && sameProgress(progress, task.progress)) return refuse('unchanged');
      return accept({ ...task, ...nextRevision(task, event.at), signOfLifeAt: event.at, progress });
    }
    case 'alive': {
      const progress = event.progress ? advance(task.progress, event.progress) : withoutRate(task.progress);
      return accept({ ...task, ...nextRevision(task, event.at), signOfLifeAt: event.at, progress });
    }
    case 'succeed':
      if (task.children) return accept(waitForChildren(task, event.at, task.children));
      return accept<SucceededSnapshot>({
        ...task,
        ...outcomeFields(task, event.at),
        status: 'succeeded',
        signOfLifeAt: event.at,
        progress: lastProgress(task, event.progress),
        result: event.result ?? null,
        error: null,
      });
    case 'fail':
      if (isCancelling) return accept(stopped(task, event.at, lastProgress(task, event.progress)));
      if (event.error.retryable && task.attempt < task.attempts) {
        return accept(retrying(task, event.at, event.error, event.retryAt ?? event.at, task.attempt + 1));
      }
      return accept<FailedSnapshot>({
        ...task,
        ...outcomeFields(task, event.at),
        status: 'failed',
        progress: lastProgress(task, event.progress),
        result: null,
        error: validFailure(event.error),
      });
    case 'release':
      if (isCancelling) return accept(stopped(task, event.at, withoutRate(task.progress)));
      return accept(retrying(task, event.at, event.error, event.at, task.attempt));
    case 'cancel':
      if (isCancelling) return refuse('not_allowed');
      return accept<CancellingSnapshot>({
        ...task,
        ...nextRevision(task, event.at),
        status: 'cancelling',
        progress: withoutRate(task.progress),
      });
    case 'stop':
      if (!isCancelling) return refuse('not_allowed');
      return accept(stopped(task, event.at, lastProgress(task, event.progress)));
    case 'children':
      return changeChildren(task, event);
    case 'start':
    case 'wait':
    case 'see':
      return refuse('not_allowed');
    default:
      return unreachable(event);
  }
}

/** What an event does to a task whose handler has returned, and which waits for its children. */
function changeWaitingParent(task: WaitingParent, event: TaskEvent): Transition {
  if ('attempt' in event) return refuse('stale_attempt');
  if (event.type === 'children') return acceptUnlessNull(updateWaitingParent(task, event.at, event));
  if (event.type !== 'cancel' || task.status === 'cancelling') return refuse('not_allowed');
  return accept<CancellingSnapshot>({ ...task, ...nextRevision(task, event.at), status: 'cancelling' });
}

function changeChildren(task: Snapshot, { at, children }: TaskEvent & { type: 'children' }): Transition {
  return acceptUnlessNull(withChildren(task, at, children));
}

/** A cancelled task whose attempt is over. If it has children, they are cancelled, and it waits for them. */
function stopped(task: Attempting, at: string, progress: Progress | null): Snapshot {
  return task.children ? waitForChildren(task, at, task.children) : cancelled(task, at, progress);
}

function started(task: Waiting, event: TaskEvent & { type: 'start' }, attempt: number): RunningSnapshot {
  return {
    ...withoutWait(task),
    ...nextRevision(task, event.at),
    status: 'running',
    attempt,
    progress: withoutRate(event.progress ?? null),
    startedAt: task.startedAt ?? event.at,
    signOfLifeAt: event.at,
    finishedAt: null,
    expectedAt: event.expectedAt ?? null,
    result: null,
    resultOmitted: false,
    error: null,
    seenAt: null,
  };
}

function retrying(
  task: Attempting,
  at: string,
  error: TaskFailure,
  retryAt: string,
  attempt: number,
): RetryingSnapshot {
  return {
    ...withoutWait(task),
    ...nextRevision(task, at),
    status: 'retrying',
    attempt,
    progress: null,
    expectedAt: retryAt,
    error: validFailure(error),
  };
}

function cancelled(task: Snapshot, at: string, progress: Progress | null): CancelledSnapshot {
  return { ...withoutWait(task), ...outcomeFields(task, at), status: 'cancelled', progress, result: null, error: null };
}

/** The progress that an outcome keeps: that of the last report, or what was known before it. */
function lastProgress(task: Attempting, report: Progress | null | undefined): Progress | null {
  return report ? advance(task.progress, report, true) : withoutRate(task.progress);
}

function accept<S extends Snapshot>(snapshot: S): Transition {
  return { ok: true, snapshot };
}

/** Null: the event changes nothing. */
function acceptUnlessNull(snapshot: Snapshot | null): Transition {
  return snapshot === null ? refuse('unchanged') : accept(snapshot);
}

function refuse(refusal: Refusal): Transition {
  return { ok: false, refusal };
}

/** The compiler proves that this is never called. So a plain Error will do. */
function unreachable(value: never): never {
  throw new Error(`inloop: no such case: ${JSON.stringify(value)}`);
}
