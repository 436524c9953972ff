/**
 * What to show of a task's progress at a given moment. Between two messages the count and the bar move on by themselves, at
 * the rate that the last message named, for at most 10 s (core/tasks/pace.ts). Pure.
 */

import { PACE_HORIZON_MS, shownDone } from '../../core/tasks/pace.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';

/** What to draw of the progress of a task at one moment. */
export interface ShownProgress {
  /** Elements to show as done: a whole number, below `total` until the outcome. */
  readonly done: number;
  readonly total: number | null;
  /** How full to draw a bar, from 0 to 1; finer than whole elements. Null where the total is not known. */
  readonly fraction: number | null;
  /**
   * If no message comes before: the bar stands still for `afterMs` milliseconds, then moves evenly, and is at `fraction` in
   * `inMs` milliseconds from now. Null where it will not move.
   */
  readonly movesTo: { readonly fraction: number | null; readonly afterMs: number; readonly inMs: number } | null;
}

/**
 * @param now the server's time, in milliseconds since 1970: `feed.now()`
 * @param least how many elements were shown as done already, in this attempt and stage (`TaskMemory.shownDone`). The count does
 *   not go below it: it stands still until the progress has caught up
 * @returns null where the task has no progress
 * @example
 * // 40 of 100, at 5 elements a second, 2 s ago:
 * shownProgress(task, feed.now()); // { done: 50, total: 100, fraction: 0.5, movesTo: { fraction: 0.9, afterMs: 0, inMs: 8000 } }
 */
export function shownProgress(snapshot: Snapshot, now: number, least = 0): ShownProgress | null {
  const { progress, updatedAt } = snapshot;
  if (!progress) return null;
  const { done, total, rate } = progress;
  // A total that has shrunk takes back what was shown beyond it.
  const floor = total === null ? least : Math.min(least, Math.max(total - 1, done));
  const age = now - Date.parse(updatedAt);
  const moved = shownDone(progress, age);
  const exact = Math.max(moved, floor);
  const end = Math.max(shownDone(progress, PACE_HORIZON_MS), floor);
  const shareOf = (elements: number) => (total ? Math.min(elements / total, 1) : null);
  /** In how many milliseconds so many elements are shown as done; only where there is a rate. */
  const timeOf = (elements: number) => ((elements - done) * 1_000) / (rate as number) - Math.max(age, 0);
  return {
    done: Math.floor(exact),
    total,
    fraction: shareOf(exact),
    movesTo:
      end > exact ? { fraction: shareOf(end), afterMs: floor > moved ? timeOf(floor) : 0, inMs: timeOf(end) } : null,
  };
}
