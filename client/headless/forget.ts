/** Keeps what is remembered of tasks about as long as their list, on a page that is open for a week. */

import type { Snapshot } from '../../core/snapshot.ts';

/** So many entries too many are left alone: to look at all of them costs time. */
const SLACK = 500;

/**
 * Removes the entries of `kept` (by task ids) whose tasks are not in `tasks`, once there are 500 entries more than tasks.
 * @param onForget called with each entry that is removed
 */
export function forgetUnlisted<T>(
  kept: Map<string, T> | Set<string>,
  tasks: readonly Snapshot[],
  onForget?: (entry: T) => void,
): void {
  if (kept.size <= tasks.length + SLACK) return;
  const listed = new Set(tasks.map(({ id }) => id));
  for (const id of kept.keys()) {
    if (listed.has(id)) continue;
    if (kept instanceof Map && onForget) onForget(kept.get(id) as T);
    kept.delete(id);
  }
}
