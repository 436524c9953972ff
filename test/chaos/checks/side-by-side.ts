// Finds tasks with the same concurrency key of which one had begun before the other had ended.
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { keyed } from '../../integration/work/processes/fault-tasks.ts';

/** One line for each task that was at work beside another one. Its title is its key. */
export function findSideBySide(tasks: readonly Snapshot[]): string[] {
  const begun = tasks.filter((task) => task.name === keyed.name && task.startedAt !== null);
  begun.sort((a, b) => ((a.startedAt ?? '') < (b.startedAt ?? '') ? -1 : 1));
  return begun.flatMap((task, n) => {
    const before = begun
      .slice(0, n)
      .filter(({ title }) => title === task.title)
      .at(-1);
    if (!before || (before.finishedAt ?? 'never') <= (task.startedAt ?? '')) return [];
    return [`${task.id} began at ${task.startedAt}, ${before.id} ended at ${before.finishedAt}`];
  });
}
