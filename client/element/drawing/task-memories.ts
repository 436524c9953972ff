/** Keeps the memory (`headless/memory.ts`) of each task of the feed: what a row shows that no single snapshot tells. */

import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { forgetUnlisted } from '../../headless/forget.ts';
import { remember, type TaskMemory } from '../../headless/memory.ts';

/** By the ids of the tasks. */
export type TaskMemories = Map<string, TaskMemory>;

/**
 * Updates `memories` with `tasks`, at `now` (server time in milliseconds). It skips tasks that are the same at the same place in
 * `before`.
 */
export function updateMemories(
  memories: TaskMemories,
  tasks: readonly Snapshot[],
  before: readonly Snapshot[],
  now: number,
): void {
  tasks.forEach((task, index) => {
    if (task !== before[index]) memories.set(task.id, remember(memories.get(task.id), task, now));
  });
  forgetUnlisted(memories, tasks);
}
