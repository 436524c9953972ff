/**
 * What one snapshot does not tell but several do: since when nothing moved, how fast it goes, and how far the
 * server's clock is from ours. Pure; whoever shows tasks keeps one memory for each.
 */

import { sameProgress } from '../../core/progress.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { observePace, type Pace } from './time-left.ts';

/** What is remembered of a task. */
export interface TaskMemory {
  readonly snapshot: Snapshot;
  /** When the status or the progress last changed; server time in milliseconds. */
  readonly movedAt: number;
  readonly pace: Pace | null;
}

/** The memory after `snapshot`; `before` itself where it says nothing new. */
export function remember(before: TaskMemory | undefined, snapshot: Snapshot): TaskMemory {
  if (before?.snapshot === snapshot) return before;
  const at = Date.parse(snapshot.updatedAt);
  const hasMoved =
    before?.snapshot.status !== snapshot.status || !sameProgress(before.snapshot.progress, snapshot.progress);
  const isRunning = snapshot.status === 'running' && snapshot.progress !== null;
  return {
    snapshot,
    movedAt: before && !hasMoved ? before.movedAt : at,
    pace: isRunning ? observePace(before?.pace ?? null, snapshot.progress, at) : null,
  };
}

/**
 * How far our clock is ahead of the server's, in milliseconds, after one more snapshot came in at `now`: the
 * smallest distance ever seen. Wrong clocks must not make it look as if a worker were gone, so news that is old on
 * arrival counts from its arrival.
 */
export function observeClock(ahead: number | null, snapshots: readonly Snapshot[], now: number): number | null {
  let least = ahead;
  for (const { updatedAt } of snapshots) {
    const distance = now - Date.parse(updatedAt);
    if (least === null || distance < least) least = distance;
  }
  return least;
}
