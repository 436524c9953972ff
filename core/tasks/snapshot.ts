/**
 * The words of inloop, as types.
 *
 * Terminology:
 * - task: one run of a task definition that one owner asked for
 * - attempt: the nth time a worker runs the handler for a task
 * - snapshot: the whole public state of a task at one revision. Pages get nothing else of a task
 * - revision: an integer that grows by one with each stored change; of two snapshots the higher revision wins
 * - status: where the task stands. The last status is its outcome, which is final
 * - sign of life: when a worker was last known to work on the task, whether or not there was progress
 *
 * Times are ISO 8601 in UTC with milliseconds, so that they compare as text.
 */

import type { TaskFailure } from '../error.ts';

/** The statuses of a task that may still change. */
export const ACTIVE_STATUSES = ['queued', 'running', 'retrying', 'cancelling'] as const;
/** The statuses of a task that has ended. */
export const OUTCOMES = ['succeeded', 'failed', 'cancelled'] as const;
/** All statuses: the active ones, then the outcomes. */
export const STATUSES = [...ACTIVE_STATUSES, ...OUTCOMES] as const;

/** A task that may still change. */
export type ActiveStatus = (typeof ACTIVE_STATUSES)[number];
/** How a task ended. Final. */
export type Outcome = (typeof OUTCOMES)[number];
/** Where a task stands. */
export type Status = (typeof STATUSES)[number];

/** How far an attempt is. `done` never goes back within an attempt (with stages: within a stage). */
export interface Progress {
  /** Elements that were processed, skipped and failed ones included. A whole number from 0. */
  readonly done: number;
  /** The number of elements, or null while it is not known. `done` does not reach it before the outcome. */
  readonly total: number | null;
  /** Of `done`: how many were left out on purpose. */
  readonly skipped?: number;
  /** Of `done`: how many went wrong. */
  readonly failed?: number;
  /** The name of the current stage, where the definition has stages. */
  readonly stage?: string;
  /** A few words for a person, at most 200 characters. */
  readonly note?: string;
  /** How many elements were done when this attempt began, since it goes on from a checkpoint. Absent if it does not. */
  readonly from?: number;
  /**
   * Elements a second by which viewers move on from `done` until the next message (`shownDone` in pace.ts); positive and finite.
   * Absent where nothing should move. Right only together with the snapshot's `updatedAt`.
   */
  readonly rate?: number;
}

interface Common {
  /** A UUID, version 7: sorts by the time of creation. */
  readonly id: string;
  /** The name of the task definition. */
  readonly name: string;
  /** What to call the task on a screen, at most 200 characters. Text, never markup. */
  readonly title: string;
  /** From 1; grows by one with each stored change. */
  readonly revision: number;
  /** The current attempt, or the last one after the outcome; while `retrying`, the next one; while `queued`, 0. */
  readonly attempt: number;
  /** How many attempts there may be. */
  readonly attempts: number;
  readonly createdAt: string;
  /** When the task last changed. New counts of `children` leave it as it is while `progress` has a `rate`. */
  readonly updatedAt: string;
  /** The id of the ended task that its owner or an operator retried with this one; null for none. */
  readonly retryOf: string | null;
  /** The id of the task whose handler started this one. Absent if no handler did. */
  readonly parent?: string;
  /** How many tasks its handler has started. Absent if it has started none. */
  readonly children?: Children;
}

/** The children of a task: those that its handler has started, in all attempts. Whole numbers. */
export interface Children {
  readonly total: number;
  /** Of `total`: how many have an outcome. */
  readonly ended: number;
  /** Of `ended`: how many have failed or were cancelled. */
  readonly failed: number;
}

interface Active extends Common {
  readonly finishedAt: null;
  readonly result: null;
  readonly resultOmitted: false;
  readonly seenAt: null;
}

/** Where a queued task stands. */
export interface Place {
  /** How many tasks will start before it, as far as is known now; 0 for the next one. */
  readonly ahead: number;
}

/**
 * The task was accepted, and no worker has started it. `queue` is its place in line at the time of reading. The place is not
 * stored: it changes while the revision stays the same, and is absent where it is not known. `waitingFor` is set while no
 * running worker has the task's handler.
 */
export interface QueuedSnapshot extends Active {
  readonly status: 'queued';
  readonly progress: null;
  readonly startedAt: null;
  readonly signOfLifeAt: null;
  /** When it will probably finish once started, as far as earlier runs tell. */
  readonly expectedAt: string | null;
  readonly error: null;
  readonly waitingFor?: 'worker';
  readonly queue?: Place;
  /** When it is to start; absent for a task that was to start at once. It is still there when that time has passed. */
  readonly startsAt?: string;
}

/**
 * A worker runs the handler. With `waitingFor`, the handler has returned and the task waits for its children: no worker works
 * on it, and `progress` counts its children.
 */
export interface RunningSnapshot extends Active {
  readonly status: 'running';
  readonly progress: Progress | null;
  /** When the first attempt started. */
  readonly startedAt: string;
  readonly signOfLifeAt: string;
  /** When it will probably finish, as far as earlier runs tell. */
  readonly expectedAt: string | null;
  readonly error: null;
  readonly waitingFor?: 'children';
}

/**
 * An attempt ended without an outcome, and attempt `attempt` of `attempts` has not started yet. `waitingFor` is set while no
 * running worker has the handler.
 */
export interface RetryingSnapshot extends Active {
  readonly status: 'retrying';
  readonly progress: null;
  readonly startedAt: string;
  readonly signOfLifeAt: string;
  /** When the next attempt is to start. */
  readonly expectedAt: string | null;
  /** Why the last attempt ended. */
  readonly error: TaskFailure;
  readonly waitingFor?: 'worker';
}

/**
 * The task was cancelled (see {@link CancelledSnapshot}), and its handler has not stopped yet. With `waitingFor`: some children
 * have not stopped yet.
 */
export interface CancellingSnapshot extends Active {
  readonly status: 'cancelling';
  readonly progress: Progress | null;
  readonly startedAt: string;
  readonly signOfLifeAt: string;
  readonly expectedAt: string | null;
  readonly error: null;
  readonly waitingFor?: 'children';
}

interface Finished extends Common {
  readonly finishedAt: string;
  readonly signOfLifeAt: string | null;
  readonly expectedAt: null;
  /** When the owner saw this outcome. Null: the task is in the inbox. A child counts as seen when it ends. */
  readonly seenAt: string | null;
}

/** The handler returned; `result` is what it returned, checked against the definition's output schema. */
export interface SucceededSnapshot<Output = unknown> extends Finished {
  readonly status: 'succeeded';
  readonly progress: Progress | null;
  readonly startedAt: string;
  /** Null if `resultOmitted`: the result is too big for an event, so fetch the task. Also null if nothing was returned. */
  readonly result: Output | null;
  readonly resultOmitted: boolean;
  readonly error: null;
}

/** No attempt succeeded, or a child did not (`onChildFailure`). */
export interface FailedSnapshot extends Finished {
  readonly status: 'failed';
  readonly progress: Progress | null;
  readonly startedAt: string | null;
  readonly result: null;
  readonly resultOmitted: false;
  readonly error: TaskFailure;
}

/** The task was cancelled: by its owner, by an operator, by a task that replaces it, or because its parent was cancelled or failed. */
export interface CancelledSnapshot extends Finished {
  readonly status: 'cancelled';
  readonly progress: Progress | null;
  readonly startedAt: string | null;
  readonly result: null;
  readonly resultOmitted: false;
  readonly error: null;
}

/** A snapshot of a task that may still change. */
export type ActiveSnapshot = QueuedSnapshot | RunningSnapshot | RetryingSnapshot | CancellingSnapshot;
/** A snapshot of a task that has ended. */
export type OutcomeSnapshot<Output = unknown> = SucceededSnapshot<Output> | FailedSnapshot | CancelledSnapshot;

/** The whole public state of a task at one revision. `status` narrows the rest. */
export type Snapshot<Output = unknown> = ActiveSnapshot | OutcomeSnapshot<Output>;

/** Whether a status is an outcome. */
export function isOutcome(status: Status): status is Outcome {
  return (OUTCOMES as readonly Status[]).includes(status);
}

/** Whether the task has ended; narrows the snapshot. */
export function isFinished<Output>(snapshot: Snapshot<Output>): snapshot is OutcomeSnapshot<Output> {
  return isOutcome(snapshot.status);
}

/** The snapshot with its place in line, if that is known and the task waits. */
export function withPlace<S extends Snapshot>(snapshot: S, ahead: number | null | undefined): S {
  return snapshot.status === 'queued' && typeof ahead === 'number' ? { ...snapshot, queue: { ahead } } : snapshot;
}

/** What a new task starts from. */
export interface NewTask {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly attempts: number;
  /** When it was created. */
  readonly at: string;
  readonly expectedAt?: string | null;
  readonly retryOf?: string | null;
  /** Null for at once. */
  readonly startsAt?: string | null;
  /** The id of the task whose handler starts it. */
  readonly parent?: string | null;
}

/** The first snapshot of a task: queued, revision 1. */
export function createSnapshot(task: NewTask): QueuedSnapshot {
  return {
    id: task.id,
    name: task.name,
    title: task.title,
    status: 'queued',
    revision: 1,
    attempt: 0,
    attempts: task.attempts,
    progress: null,
    createdAt: task.at,
    startedAt: null,
    updatedAt: task.at,
    finishedAt: null,
    signOfLifeAt: null,
    expectedAt: task.expectedAt ?? null,
    result: null,
    resultOmitted: false,
    error: null,
    retryOf: task.retryOf ?? null,
    seenAt: null,
    ...(task.startsAt ? { startsAt: task.startsAt } : {}),
    ...(task.parent ? { parent: task.parent } : {}),
  };
}
