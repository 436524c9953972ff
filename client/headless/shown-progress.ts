/**
 * What to show of a task's progress at a given moment. Between two messages the count and the bar move on by themselves, at
 * the rate that the last message named, for at most 10 s (core/tasks/pace.ts). Pure.
 */

import { PACE_HORIZON_MS, shownDone } from '../../core/tasks/pace.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';

export interface ShownProgress {
  /** Elements to show as done: a whole number, below `total` until the outcome. */
  readonly done: number;
  readonly total: number | null;
  /** How full to draw a bar, from 0 to 1; finer than whole elements. Null where the total is not known. */
  readonly fraction: number | null;
  /** Where the bar will stand, and in how many milliseconds, if no message comes before; null while it stands still. */
  readonly movesTo: { readonly fraction: number | null; readonly inMs: number } | null;
}

/**
 * @param now the server's time, in milliseconds since 1970: `feed.now()`
 * @param least what was shown already in this attempt and stage (`TaskMemory.shownDone`): the count never goes back, it
 *   waits for the truth instead
 * @returns null where the task has no progress
 * @example
 * // 40 of 100, at 5 elements a second, 2 s ago:
 * shownProgress(task, feed.now()); // { done: 50, total: 100, fraction: 0.5, movesTo: { fraction: 0.9, inMs: 8000 } }
 */
export function shownProgress(snapshot: Snapshot, now: number, least = 0): ShownProgress | null {
  const { progress, updatedAt } = snapshot;
  if (!progress) return null;
  const { total } = progress;
  // A total that has shrunk takes back what was shown beyond it.
  const floor = total === null ? least : Math.min(least, Math.max(total - 1, progress.done));
  const age = now - Date.parse(updatedAt);
  const exact = Math.max(shownDone(progress, age), floor);
  const end = Math.max(shownDone(progress, PACE_HORIZON_MS), floor);
  const shareOf = (done: number) => (total ? Math.min(done / total, 1) : null);
  const inMs = PACE_HORIZON_MS - Math.max(age, 0);
  return {
    done: Math.floor(exact),
    total,
    fraction: shareOf(exact),
    movesTo: end > exact && inMs > 0 ? { fraction: shareOf(end), inMs } : null,
  };
}
