/**
 * What becomes of a task whose handler has started other tasks: its children. Pure. It serves `transition.ts`.
 *
 * When the handler returns, the attempt is over. The task stays `running`, or `cancelling`, and waits for its children
 * (`waitingFor: 'children'`). Its last child ends it. A failed child ends it at once, unless its definition says
 * `onChildFailure: 'ignore'`.
 */

import type { TaskFailure } from '../error.ts';
import { finish, nextRevision, withoutWait } from './changed-fields.ts';
import { advance } from './progress.ts';
import type { CancellingSnapshot, Children, Outcome, Progress, RunningSnapshot, Snapshot } from './snapshot.ts';

/** What a parent's definition says of a child that fails or is cancelled. */
export const CHILD_FAILURE_POLICIES = ['fail', 'ignore'] as const;
/** See {@link CHILD_FAILURE_POLICIES}. */
export type ChildFailurePolicy = (typeof CHILD_FAILURE_POLICIES)[number];

/** A task whose handler has returned, and which waits for its children. */
export type WaitingParent = (RunningSnapshot | CancellingSnapshot) & { readonly waitingFor: 'children' };

/** What a parent's children have come to, and what its record says of it. */
export interface FamilyNews {
  readonly children: Children;
  /** What the handler returned; null if it has not returned, or was stopped. */
  readonly returned: { readonly result: unknown } | null;
  readonly onChildFailure: ChildFailurePolicy;
}

export function waitsForChildren(task: Snapshot): task is WaitingParent {
  return (task.status === 'running' || task.status === 'cancelling') && task.waitingFor === 'children';
}

/** How many changes led to these counts. They only grow, so of two counts the one with more changes is the newer. */
function changesIn({ total, ended, failed }: Children): number {
  return total + ended + failed;
}

/** Processes bring a parent in step side by side, so news may come late. */
function isNewer(known: Children | undefined, news: Children): boolean {
  return known === undefined || changesIn(news) > changesIn(known);
}

/** The task when its attempt is over, and its children go on. */
export function waitForChildren(
  task: RunningSnapshot | CancellingSnapshot,
  at: string,
  children: Children,
): RunningSnapshot | CancellingSnapshot {
  const progress = progressOf(children);
  return { ...task, ...nextRevision(task, at), waitingFor: 'children', signOfLifeAt: at, expectedAt: null, progress };
}

/** The task with newer counts of children; null if they are not newer. */
export function withChildren(task: Snapshot, at: string, children: Children): Snapshot | null {
  return isNewer(task.children, children) ? { ...task, ...nextRevision(task, at), children } : null;
}

/** A task that waits for its children, after news of them: ended, or with other counts. Null if nothing changes. */
export function afterNews(task: WaitingParent, at: string, news: FamilyNews): Snapshot | null {
  const { children, returned } = news;
  if (task.children && isNewer(children, task.children)) return null;
  const outcome = outcomeOf(task, news);
  if (outcome === null) {
    if (!isNewer(task.children, children)) return null;
    return { ...task, ...nextRevision(task, at), signOfLifeAt: at, children, progress: progressOf(children) };
  }
  const ended = { ...withoutWait(task), ...finish(task, at), children, progress: progressOf(children, true) };
  if (outcome === 'failed') return { ...ended, status: 'failed', result: null, error: childFailed(children) };
  if (outcome === 'cancelled') return { ...ended, status: 'cancelled', result: null, error: null };
  return { ...ended, status: 'succeeded', signOfLifeAt: at, result: returned?.result ?? null, error: null };
}

/** The stage of a task that waits for its children. A stage of its own, since `done` begins anew at 0. */
const CHILDREN_STAGE = 'children';

/** The bar of a task that waits for its children: one element for each child. */
function progressOf({ total, ended, failed }: Children, finished = false): Progress {
  const counts = { done: ended, total, ...(failed > 0 ? { failed } : {}) };
  return advance(null, { ...counts, stage: CHILDREN_STAGE }, finished);
}

/**
 * How a task that waits for its children ends now; null if it goes on waiting. One that was cancelled has succeeded all the
 * same if its handler returned and each child succeeded, because the work is done.
 */
function outcomeOf({ status }: WaitingParent, { children, returned, onChildFailure }: FamilyNews): Outcome | null {
  const { total, ended, failed } = children;
  if (status === 'running' && failed > 0 && onChildFailure === 'fail') return 'failed';
  if (ended < total) return null;
  if (status === 'running') return 'succeeded';
  return returned !== null && failed === 0 ? 'succeeded' : 'cancelled';
}

/** Why a task failed whose child did. */
function childFailed({ failed, total }: Children): TaskFailure {
  return {
    code: 'child_failed',
    message: `${failed} of the ${total} tasks that belong to it did not succeed.`,
    retryable: false,
  };
}
