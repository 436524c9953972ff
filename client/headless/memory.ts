/**
 * What several snapshots of a task say together: since when nothing moved, how fast it goes, and whether there turned out
 * to be more to do. Pure; a UI keeps one memory for each task.
 */

import { fractionOf, sameProgress } from '../../core/progress.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { observePace, type Pace } from './words/time-left.ts';

/** What is remembered of a task. */
export interface TaskMemory {
  readonly snapshot: Snapshot;
  /** When the status or the progress last changed; server time in milliseconds. */
  readonly movedAt: number;
  readonly pace: Pace | null;
  /** The greatest progress since the bar last went back, from 0 to 1; null where it was never known. */
  readonly peak: number | null;
  /** When there turned out to be more to do, so that the bar went back; server time in milliseconds. */
  readonly grewAt: number | null;
}

/** A bar that goes back by less than this share needs no explanation. */
const LEAP = 0.03;

/** The memory after `snapshot`; `before` itself where nothing is new. */
export function remember(before: TaskMemory | undefined, snapshot: Snapshot): TaskMemory {
  if (before?.snapshot === snapshot) return before;
  const at = Date.parse(snapshot.updatedAt);
  const hasMoved =
    before?.snapshot.status !== snapshot.status || !sameProgress(before.snapshot.progress, snapshot.progress);
  const isSameRun = before?.snapshot.attempt === snapshot.attempt && stageOf(before.snapshot) === stageOf(snapshot);
  const fraction = fractionOf(snapshot.progress);
  const peak = isSameRun ? before.peak : null;
  const hasGrown = isActive(snapshot) && snapshot.progress?.total !== before?.snapshot.progress?.total;
  const hasLeapt = peak !== null && hasGrown && (fraction === null || fraction < peak - LEAP);
  const isRunning = snapshot.status === 'running' && snapshot.progress !== null;
  return {
    snapshot,
    movedAt: before && !hasMoved ? before.movedAt : at,
    pace: isRunning ? observePace(before?.pace ?? null, snapshot.progress, at) : null,
    peak: hasLeapt || peak === null ? fraction : Math.max(peak, fraction ?? 0),
    grewAt: hasLeapt ? at : isSameRun ? before.grewAt : null,
  };
}

function stageOf({ progress }: Snapshot): string | undefined {
  return progress?.stage;
}

function isActive({ status, progress }: Snapshot): boolean {
  return (status === 'running' || status === 'cancelling') && progress !== null;
}
