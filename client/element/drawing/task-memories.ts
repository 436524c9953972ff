/** Keeps the memory (`headless/memory.ts`) of each task of the feed: what a row shows that no single snapshot tells. */

import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { forgetUnlisted } from '../../headless/forget.ts';
import { remember, type TaskMemory } from '../../headless/memory.ts';

/** By the ids of the tasks. */
export type TaskMemories = Map<string, TaskMemory>;

/** Updates `memories` to `tasks`. Looks only at tasks that differ from the task at the same position in `before`. */
export function updateMemories(memories: TaskMemories, tasks: readonly Snapshot[], before: readonly Snapshot[]): void {
  tasks.forEach((task, index) => {
    if (task !== before[index]) memories.set(task.id, remember(memories.get(task.id), task));
  });
  forgetUnlisted(memories, tasks);
}
