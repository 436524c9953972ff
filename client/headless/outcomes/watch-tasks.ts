/** Finds what is new in a feed's list, for code that waits for outcomes: `present.ts`, `notify.ts`, `onOutcome` of React. */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../../core/tasks/snapshot.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import { forgetUnlisted } from '../forget.ts';

/** How the list has changed since the last call. */
export interface TaskNews {
  /** All tasks now, newest first. */
  readonly tasks: readonly Snapshot[];
  /** The channel of the user whose tasks these are. */
  readonly channel: string | null;
  /** The user before has signed out, or another one has signed in. Forget what you remember of tasks. */
  readonly hasUserLeft: boolean;
  /** New and changed tasks. May contain unchanged tasks that have moved in the list. */
  readonly changed: readonly Snapshot[];
  /** Outcomes of tasks that were active at an earlier call, each once. */
  readonly reached: readonly OutcomeSnapshot[];
}

/**
 * Returns a function that says what is new in the list. Each call compares it with the call before.
 * @param isComplete whether an outcome has everything that is needed. An outcome counts as reached once it is complete
 */
export function watchTasks(
  feed: Pick<TaskFeed, 'getSnapshot'>,
  isComplete: (task: OutcomeSnapshot) => boolean = () => true,
): () => TaskNews {
  /** Ids of tasks that were active and whose outcome is not reached yet. */
  const active = new Set<string>();
  let tasksBefore: readonly Snapshot[] = [];
  let owner: string | null = null;

  return () => {
    const { tasks, channel } = feed.getSnapshot();
    const hasUserLeft = owner !== null && channel !== owner;
    owner = channel;
    if (hasUserLeft) {
      active.clear();
      tasksBefore = [];
    }
    // Most of thousands of tasks are unchanged. Comparing positions finds them quickly.
    const changed = tasks.filter((task, index) => task !== tasksBefore[index]);
    tasksBefore = tasks;
    const reached: OutcomeSnapshot[] = [];
    for (const task of changed) {
      if (!isFinished(task)) active.add(task.id);
      else if (isComplete(task) && active.delete(task.id)) reached.push(task);
    }
    forgetUnlisted(active, tasks);
    return { tasks, channel, hasUserLeft, changed, reached };
  };
}
