/** Sorts tasks into the groups of a list, and counts outcomes. Pure. */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../core/tasks/snapshot.ts';
import { TOO_YOUNG } from './limits.ts';
import { isSameList } from './same-list.ts';

/** The tasks in the groups in which a page shows them. */
export interface Groups {
  /** Tasks without an outcome, newest first. */
  readonly active: readonly Snapshot[];
  /**
   * Outcomes not seen yet. Failures come first, so that three failures among 300 outcomes are found at once. Within failures
   * and within the others, the latest outcome comes first.
   */
  readonly unseen: readonly OutcomeSnapshot[];
  /** The other outcomes, the latest first. */
  readonly recent: readonly OutcomeSnapshot[];
  /** `unseen` and `recent` together, in the order of the input. */
  readonly finished: readonly OutcomeSnapshot[];
}

/**
 * `tasks` (newest first) in the groups of the panel.
 * @param held ids of outcomes that stay in `unseen` although they were seen, so that rows do not move while they are read
 * @param before the result of the last call. If no outcome has changed since, its groups of outcomes are used again, so that
 *   long lists cost little
 */
export function groupTasks(tasks: readonly Snapshot[], held: ReadonlySet<string> = new Set(), before?: Groups): Groups {
  const active = tasks.filter((task) => !isFinished(task));
  const finished = tasks.filter(isFinished);
  const isUnseen = (task: OutcomeSnapshot) => !task.seenAt || held.has(task.id);
  const isSeen = (task: OutcomeSnapshot) => !isUnseen(task);
  if (before && isSameList(finished, before.finished) && before.unseen.every(isUnseen) && before.recent.every(isSeen))
    return { ...before, active };
  const sorted = [...finished].sort((a, b) => (a.finishedAt < b.finishedAt ? 1 : -1));
  const unseen = sorted.filter(isUnseen);
  const hasFailed = ({ status }: OutcomeSnapshot) => status === 'failed';
  return {
    active,
    unseen: [...unseen.filter(hasFailed), ...unseen.filter((task) => !hasFailed(task))],
    recent: sorted.filter(isSeen),
    finished,
  };
}

/** `tasks` without active tasks that are less than 1 s old at `now` (server time); `tasks` itself where there are none. */
export function hideYoung(tasks: readonly Snapshot[], now: number): readonly Snapshot[] {
  const latest = new Date(now - TOO_YOUNG).toISOString();
  const isShown = (task: Snapshot) => task.createdAt <= latest || isFinished(task);
  return tasks.every(isShown) ? tasks : tasks.filter(isShown);
}

/**
 * `tasks` without children whose parent is among them, since the parent's row shows them; `tasks` itself where no task has a
 * parent.
 */
export function hideChildren(tasks: readonly Snapshot[]): readonly Snapshot[] {
  if (!tasks.some(({ parent }) => parent)) return tasks;
  const ids = new Set<string | undefined>(tasks.map(({ id }) => id));
  return tasks.filter(({ parent }) => !ids.has(parent));
}

/** How many of `tasks` ended in which way. */
export function countOutcomes(
  tasks: readonly OutcomeSnapshot[],
): [succeeded: number, failed: number, cancelled: number] {
  const count = (status: string) => tasks.filter((task) => task.status === status).length;
  return [count('succeeded'), count('failed'), count('cancelled')];
}

/** Ids of the tasks that were retried: they need no Retry button any more. */
export function retriedIds(tasks: readonly Snapshot[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const { retryOf } of tasks) if (retryOf) ids.add(retryOf);
  return ids;
}
