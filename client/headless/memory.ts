/**
 * What a UI remembers of a task from one snapshot to the next: when the task last moved, its pace, and whether its total
 * has grown. Pure; a UI keeps one memory for each task.
 */

import { shownDone } from '../../core/tasks/pace.ts';
import { fractionOf, sameProgress } from '../../core/tasks/progress.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { UNEXPLAINED_SHARE } from './limits.ts';
import { observePace, type Pace } from './words/time-left.ts';

/** What is remembered of a task. */
export interface TaskMemory {
  readonly snapshot: Snapshot;
  /** When the status or the progress last changed; server time in milliseconds. */
  readonly movedAt: number;
  readonly pace: Pace | null;
  /** The greatest progress in this attempt and stage since the bar last went back, from 0 to 1; null while no total was known. */
  readonly peak: number | null;
  /** The most elements that were shown as done in this attempt and stage. Pass it to `shownProgress`, which shows no fewer. */
  readonly shownDone: number;
  /** When the total grew so much that the bar went back; server time in milliseconds. */
  readonly grewAt: number | null;
}

/**
 * The memory after `snapshot`; `before` itself where nothing is new.
 *
 * Call it for each snapshot. Call it with the same snapshot again each time you draw: `feed.now()` is an estimate, and may be
 * corrected back by some milliseconds. The memory then still holds how much was drawn before the correction.
 * @param now the server's time, in milliseconds: `feed.now()`. Default: `updatedAt` of the snapshot, which is enough where
 *   nothing moves by itself
 */
export function remember(
  before: TaskMemory | undefined,
  snapshot: Snapshot,
  now = Date.parse(snapshot.updatedAt),
): TaskMemory {
  if (before?.snapshot === snapshot && maxShown(before, now) === before.shownDone) return before;
  const { status, progress, attempt } = snapshot;
  const at = Date.parse(snapshot.updatedAt);
  const isStill = before?.snapshot.status === status && sameProgress(before.snapshot.progress, progress);
  const isSameStage = before?.snapshot.attempt === attempt && before.snapshot.progress?.stage === progress?.stage;
  const fraction = fractionOf(progress);
  const peak = isSameStage ? before.peak : null;
  const isUnderWay = status === 'running' || status === 'cancelling';
  const hasOtherTotal = isUnderWay && progress !== null && progress.total !== before?.snapshot.progress?.total;
  const hasGoneBack = peak !== null && hasOtherTotal && (fraction === null || fraction < peak - UNEXPLAINED_SHARE);
  return {
    snapshot,
    movedAt: isStill ? before.movedAt : at,
    pace: status === 'running' && progress ? observePace(before?.pace ?? null, progress, at) : null,
    // What was shown of the snapshots before, or what is shown of this one.
    shownDone: maxShown({ snapshot, shownDone: isSameStage ? maxShown(before, now) : 0 }, now),
    peak: hasGoneBack || peak === null ? fraction : Math.max(peak, fraction ?? 0),
    grewAt: hasGoneBack ? at : isSameStage ? before.grewAt : null,
  };
}

/** The most elements that were shown as done until `now`. */
function maxShown({ snapshot, shownDone: least }: Pick<TaskMemory, 'snapshot' | 'shownDone'>, now: number): number {
  const { progress, updatedAt } = snapshot;
  return progress ? Math.max(least, shownDone(progress, now - Date.parse(updatedAt))) : least;
}
