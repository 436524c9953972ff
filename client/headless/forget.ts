/** How what is remembered of tasks stays as long as the list of them, on a page that is open for a week. */

import type { Snapshot } from '../../core/snapshot.ts';

/** Rather a few too many than a look at all of them each time. */
const SLACK = 500;

/**
 * Forgets in `kept`, by task ids, what is not in `tasks` any more: once it is much longer than that.
 * @param onForget called with each entry that goes
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
