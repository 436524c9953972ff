/**
 * Keeps the memory (`headless/memory.ts`) of each task of the feed: what a row shows that no single snapshot tells. So what
 * was drawn is not taken back when the estimate of the server's clock is corrected back between two drawings.
 */

import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { forgetUnlisted } from '../../headless/forget.ts';
import { remember, type TaskMemory } from '../../headless/memory.ts';

export interface TaskMemories {
  /**
   * Call this before each drawing. Returns the memories of `tasks`, by task id.
   * @param now the time that is drawn: server time in milliseconds
   */
  update(tasks: readonly Snapshot[], now: number): ReadonlyMap<string, TaskMemory>;
  /** Forgets the tasks of another feed or user. */
  reset(): void;
}

/** Remembers nothing until `update` is called. */
export function createTaskMemories(): TaskMemories {
  const byId = new Map<string, TaskMemory>();
  let before: readonly Snapshot[] = [];
  /** The time of the last drawing; server time in milliseconds. */
  let drawnAt = 0;
  return {
    update(tasks, now) {
      // If the clock was corrected back, each memory takes in what was drawn by the time before the correction.
      const isClockBack = now < drawnAt;
      const latest = Math.max(now, drawnAt);
      drawnAt = now;
      tasks.forEach((task, index) => {
        // Most of thousands of tasks are unchanged. Comparing positions finds them quickly.
        if (isClockBack || task !== before[index]) byId.set(task.id, remember(byId.get(task.id), task, latest));
      });
      before = tasks;
      forgetUnlisted(byId, tasks);
      return byId;
    },
    reset() {
      byId.clear();
      before = [];
    },
  };
}
