/** What is shown where, and counted how. Pure. */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../core/snapshot.ts';

export interface Groups {
  /** Still going, newest first. */
  readonly active: readonly Snapshot[];
  /** Outcomes not seen yet, the latest first. */
  readonly unseen: readonly OutcomeSnapshot[];
  /** The rest, the latest first. */
  readonly recent: readonly OutcomeSnapshot[];
}

/**
 * `tasks` (newest first) in the groups of the panel.
 * @param held ids that stay with the unseen although they are marked: nothing moves under the eyes of the reader
 */
export function groupTasks(tasks: readonly Snapshot[], held: ReadonlySet<string> = new Set()): Groups {
  const finished = tasks.filter(isFinished).sort((a, b) => (a.finishedAt < b.finishedAt ? 1 : -1));
  const isUnseen = (task: OutcomeSnapshot) => !task.seenAt || held.has(task.id);
  return {
    active: tasks.filter((task) => !isFinished(task)),
    unseen: finished.filter(isUnseen),
    recent: finished.filter((task) => !isUnseen(task)),
  };
}

/** How many of `tasks` ended in which way. */
export function countOutcomes(
  tasks: readonly OutcomeSnapshot[],
): [succeeded: number, failed: number, cancelled: number] {
  const count = (status: string) => tasks.filter((task) => task.status === status).length;
  return [count('succeeded'), count('failed'), count('cancelled')];
}

/** Ids of the tasks that were done again: their Retry button has done its work. */
export function retriedIds(tasks: readonly Snapshot[]): ReadonlySet<string> {
  return new Set(tasks.flatMap(({ retryOf }) => retryOf ?? []));
}
