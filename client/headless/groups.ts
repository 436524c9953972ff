/** Which tasks stand in which group of a list, and how outcomes are counted. Pure. */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../core/snapshot.ts';

export interface Groups {
  /** Still going, newest first. */
  readonly active: readonly Snapshot[];
  /** Outcomes not seen yet: failures first, so that three among 300 are found at once, then the others, the latest first. */
  readonly unseen: readonly OutcomeSnapshot[];
  /** The rest, the latest first. */
  readonly recent: readonly OutcomeSnapshot[];
  /** Both of these, as they were handed in. */
  readonly finished: readonly OutcomeSnapshot[];
}

/**
 * `tasks` (newest first) in the groups of the panel.
 * @param held ids that stay among the unseen although they were seen, so that rows do not move while somebody reads them
 * @param before the groups from before; unchanged parts are reused, so that long lists cost little
 */
export function groupTasks(tasks: readonly Snapshot[], held: ReadonlySet<string> = new Set(), before?: Groups): Groups {
  const active = tasks.filter((task) => !isFinished(task));
  const finished = tasks.filter(isFinished);
  const isUnseen = (task: OutcomeSnapshot) => !task.seenAt || held.has(task.id);
  const isSeen = (task: OutcomeSnapshot) => !isUnseen(task);
  const isKnown =
    before?.finished.length === finished.length && finished.every((task, index) => task === before.finished[index]);
  if (isKnown && before.unseen.every(isUnseen) && before.recent.every(isSeen)) return { ...before, active };
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

/** A task that ends within this time, in milliseconds, is shown with its outcome only. */
const TOO_YOUNG = 1_000;

/** `tasks` without the active ones of less than a second at `now` (server time); `tasks` itself where there are none. */
export function hideYoung(tasks: readonly Snapshot[], now: number): readonly Snapshot[] {
  const latest = new Date(now - TOO_YOUNG).toISOString();
  const isShown = (task: Snapshot) => task.createdAt <= latest || isFinished(task);
  return tasks.every(isShown) ? tasks : tasks.filter(isShown);
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
