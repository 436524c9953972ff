/**
 * The rules for a parent, a task whose handler has started other tasks: its children. Pure. It serves `transition.ts`, the
 * store and the updates of parents.
 *
 * When the handler returns, the attempt is over. The parent stays `running` or `cancelling`, and waits for its children
 * (`waitingFor: 'children'`). It ends when its last child has ended. A parent that is `running` ends as soon as a child has
 * failed or was cancelled, unless the parent's definition says `onChildFailure: 'ignore'`.
 */

import type { TaskFailure } from '../error.ts';
import { nextRevision, outcomeFields, withoutWait } from './changed-fields.ts';
import { advance } from './progress.ts';
import type { CancellingSnapshot, Children, Outcome, Progress, RunningSnapshot, Snapshot } from './snapshot.ts';

/** What a child that fails or is cancelled does to its parent: `fail` makes the parent fail, `ignore` does nothing. */
export const CHILD_FAILURE_POLICIES = ['fail', 'ignore'] as const;
/** See {@link CHILD_FAILURE_POLICIES}. */
export type ChildFailurePolicy = (typeof CHILD_FAILURE_POLICIES)[number];

/** A task whose handler has returned, and which waits for its children. */
export type WaitingParent = (RunningSnapshot | CancellingSnapshot) & { readonly waitingFor: 'children' };

/** What decides how a waiting parent goes on, as its record says it at the moment. */
export interface FamilyState {
  readonly children: Children;
  /** What the handler returned; null if it has not returned, or was stopped. */
  readonly returned: { readonly result: unknown } | null;
  readonly onChildFailure: ChildFailurePolicy;
}

/** Whether the handler of the task has returned, and the task waits for its children. */
export function waitsForChildren(task: Snapshot): task is WaitingParent {
  return (task.status === 'running' || task.status === 'cancelling') && task.waitingFor === 'children';
}

/** The sum of the counts. Each of them only grows, so of two sets of counts the one with the greater sum is newer. */
function sumOf({ total, ended, failed }: Children): number {
  return total + ended + failed;
}

/** Several processes may update one parent at the same time, so older counts may arrive after newer ones. */
function isNewer(known: Children | undefined, read: Children): boolean {
  return known === undefined || sumOf(read) > sumOf(known);
}

/** The task once its attempt is over and it waits for its children. */
export function waitForChildren(
  task: RunningSnapshot | CancellingSnapshot,
  at: string,
  children: Children,
): RunningSnapshot | CancellingSnapshot {
  const progress = progressOf(children);
  return { ...task, ...nextRevision(task, at), waitingFor: 'children', signOfLifeAt: at, expectedAt: null, progress };
}

/**
 * The task with newer counts of children; null if they are not newer. Where the handler reports progress with a rate, viewers move
 * the bar by it from `updatedAt` on. So `updatedAt` then stays: the bar goes on as it did, and stands still when the handler is silent.
 */
export function withChildren(task: Snapshot, at: string, children: Children): Snapshot | null {
  if (!isNewer(task.children, children)) return null;
  return { ...task, ...nextRevision(task, task.progress?.rate === undefined ? at : task.updatedAt), children };
}

/** A waiting parent, brought up to date with its family: ended, or with newer counts. Null if nothing changes. */
export function updateWaitingParent(task: WaitingParent, at: string, family: FamilyState): Snapshot | null {
  const { children, returned } = family;
  // The counts in `family` are older than those in the snapshot.
  if (task.children && isNewer(children, task.children)) return null;
  const outcome = outcomeOf(task, family);
  if (outcome === null) {
    if (!isNewer(task.children, children)) return null;
    return { ...task, ...nextRevision(task, at), signOfLifeAt: at, children, progress: progressOf(children) };
  }
  const ended = { ...withoutWait(task), ...outcomeFields(task, at), children, progress: progressOf(children, true) };
  if (outcome === 'failed') return { ...ended, status: 'failed', result: null, error: childFailed(children) };
  if (outcome === 'cancelled') return { ...ended, status: 'cancelled', result: null, error: null };
  return { ...ended, status: 'succeeded', signOfLifeAt: at, result: returned?.result ?? null, error: null };
}

/** The stage of a task that waits for its children. Its `done` starts at 0, and only in a new stage may `done` go back. */
const CHILDREN_STAGE = 'children';

/** The bar of a task that waits for its children: one element for each child. */
function progressOf({ total, ended, failed }: Children, finished = false): Progress {
  const counts = { done: ended, total, ...(failed > 0 ? { failed } : {}) };
  return advance(null, { ...counts, stage: CHILDREN_STAGE }, finished);
}

/**
 * How a task that waits for its children ends now; null if it goes on waiting. A cancelled task still succeeds if its handler
 * has returned and every child has succeeded, because then all the work is done.
 */
function outcomeOf({ status }: WaitingParent, { children, returned, onChildFailure }: FamilyState): Outcome | null {
  const { total, ended, failed } = children;
  if (status === 'running' && failed > 0 && onChildFailure === 'fail') return 'failed';
  if (ended < total) return null;
  if (status === 'running') return 'succeeded';
  return returned !== null && failed === 0 ? 'succeeded' : 'cancelled';
}

/** The error of a parent that fails because a child did not succeed. */
function childFailed({ failed, total }: Children): TaskFailure {
  return {
    code: 'child_failed',
    message: `${failed} of the ${total} tasks that belong to it did not succeed.`,
    retryable: false,
  };
}
