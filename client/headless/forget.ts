/** Forgets tasks that are no longer in the list, so that memory does not grow on a page that stays open for a week. */

import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { FORGET_SLACK } from './limits.ts';

/**
 * Removes the entries of `kept` (keyed by task id) whose tasks are not in `tasks`. Does so only when `kept` has over 500
 * entries more than there are tasks.
 * @param onForget called with each entry that is removed
 */
export function forgetUnlisted<T>(
  kept: Map<string, T> | Set<string>,
  tasks: readonly Snapshot[],
  onForget?: (entry: T) => void,
): void {
  if (kept.size <= tasks.length + FORGET_SLACK) return;
  const listed = new Set(tasks.map(({ id }) => id));
  for (const id of kept.keys()) {
    if (listed.has(id)) continue;
    if (kept instanceof Map && onForget) onForget(kept.get(id) as T);
    kept.delete(id);
  }
}
