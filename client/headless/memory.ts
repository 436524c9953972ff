/**
 * What a UI remembers of a task from one snapshot to the next: when the task last moved, its pace, and whether its total
 * has grown. Pure; a UI keeps one memory for each task.
 */

import { shownDone } from '../../core/tasks/pace.ts';
import { fractionOf, sameProgress } from '../../core/tasks/progress.ts';
import type { RunningSnapshot, Snapshot } from '../../core/tasks/snapshot.ts';
import { UNEXPLAINED_SHARE } from './limits.ts';
import { observePace, type Pace } from './words/time-left.ts';

/** What is remembered of a task. */
export interface TaskMemory {
  readonly snapshot: Snapshot;
  /** When the status or the progress last changed; server time in milliseconds. */
  readonly movedAt: number;
  readonly pace: Pace | null;
  /** The greatest progress since the bar last went back, from 0 to 1; null while no total was known. */
  readonly peak: number | null;
  /** The most elements that were shown as done in this attempt and stage before `snapshot` arrived (`shownProgress`). */
  readonly shownDone: number;
  /** When the total grew so much that the bar went back; server time in milliseconds. */
  readonly grewAt: number | null;
}

/**
 * The memory after `snapshot`; `before` itself where nothing is new.
 * @param now the server's time at which the snapshot arrived, in milliseconds: `feed.now()`. Default: its `updatedAt`.
 */
export function remember(before: TaskMemory | undefined, snapshot: Snapshot, now?: number): TaskMemory {
  if (before?.snapshot === snapshot) return before;
  const at = Date.parse(snapshot.updatedAt);
  const hasMoved =
    before?.snapshot.status !== snapshot.status || !sameProgress(before.snapshot.progress, snapshot.progress);
  const isSameStage = before?.snapshot.attempt === snapshot.attempt && stageOf(before.snapshot) === stageOf(snapshot);
  const fraction = fractionOf(snapshot.progress);
  const peak = isSameStage ? before.peak : null;
  const hasOtherTotal = isActive(snapshot) && snapshot.progress?.total !== before?.snapshot.progress?.total;
  const hasGoneBack = peak !== null && hasOtherTotal && (fraction === null || fraction < peak - UNEXPLAINED_SHARE);
  const isRunning = snapshot.status === 'running' && snapshot.progress !== null;
  return {
    snapshot,
    movedAt: before && !hasMoved ? before.movedAt : at,
    pace: isRunning ? observePace(before?.pace ?? null, snapshot.progress, at) : null,
    shownDone: isSameStage ? shownBy(before, now ?? at) : 0,
    peak: hasGoneBack || peak === null ? fraction : Math.max(peak, fraction ?? 0),
    grewAt: hasGoneBack ? at : isSameStage ? before.grewAt : null,
  };
}

/** How many elements were shown as done by `now`. */
function shownBy({ snapshot: { progress, updatedAt }, shownDone: least }: TaskMemory, now: number): number {
  return progress ? Math.max(least, shownDone(progress, now - Date.parse(updatedAt))) : 0;
}

/** What the progress counts: the elements of a stage, or the children for which the task waits. */
export function stageOf(snapshot: Snapshot): string | undefined {
  const { progress, waitingFor } = snapshot as RunningSnapshot;
  return waitingFor ?? progress?.stage;
}

function isActive({ status, progress }: Snapshot): boolean {
  return (status === 'running' || status === 'cancelling') && progress !== null;
}
