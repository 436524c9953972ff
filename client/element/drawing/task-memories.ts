/** One memory for each task that the feed knows: what its row says that no single snapshot tells. */

import type { Snapshot } from '../../../core/snapshot.ts';
import { forgetUnlisted } from '../../headless/forget.ts';
import { remember, type TaskMemory } from '../../headless/memory.ts';

/** By the ids of the tasks. */
export type TaskMemories = Map<string, TaskMemory>;

/** Brings `memories` up to date with `tasks`. Looks only at those that are not at the same place in `before`. */
export function updateMemories(memories: TaskMemories, tasks: readonly Snapshot[], before: readonly Snapshot[]): void {
  tasks.forEach((task, index) => {
    if (task !== before[index]) memories.set(task.id, remember(memories.get(task.id), task));
  });
  forgetUnlisted(memories, tasks);
}
