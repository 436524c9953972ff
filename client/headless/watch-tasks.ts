/** What is new in a feed's list: for whoever waits for outcomes (`present.ts`, `notify.ts`, the hooks' `onOutcome`). */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../core/snapshot.ts';
import type { TaskFeed } from '../feed/task-feed.ts';
import { forgetUnlisted } from './forget.ts';

/** What has become of the list since the last look. */
export interface TaskNews {
  /** All tasks there are now, newest first. */
  readonly tasks: readonly Snapshot[];
  /** Whose they are. */
  readonly channel: string | null;
  /** Somebody else has signed in, or nobody is signed in any more: what is remembered of tasks counts no more. */
  readonly hasUserLeft: boolean;
  /** New tasks and changed ones. A task that merely moved in the list may be among them. */
  readonly changed: readonly Snapshot[];
  /** Outcomes of tasks that an earlier look saw going on. */
  readonly reached: readonly OutcomeSnapshot[];
}

/**
 * Returns a function that looks at the list and says what is new in it.
 * @param isWhole whether an outcome is all there; one that is not counts as reached when it is
 */
export function watchTasks(
  feed: Pick<TaskFeed, 'getSnapshot'>,
  isWhole: (task: OutcomeSnapshot) => boolean = () => true,
): () => TaskNews {
  /** Ids of tasks that were seen going on. */
  const awaited = new Set<string>();
  let looked: readonly Snapshot[] = [];
  let owner: string | null = null;

  return () => {
    const { tasks, channel } = feed.getSnapshot();
    const hasUserLeft = owner !== null && channel !== owner;
    owner = channel;
    if (hasUserLeft) {
      awaited.clear();
      looked = [];
    }
    // Thousands are what they were at the last look.
    const changed = tasks.filter((task, index) => task !== looked[index]);
    looked = tasks;
    const reached: OutcomeSnapshot[] = [];
    for (const task of changed) {
      if (!isFinished(task)) awaited.add(task.id);
      else if (isWhole(task) && awaited.delete(task.id)) reached.push(task);
    }
    forgetUnlisted(awaited, tasks);
    return { tasks, channel, hasUserLeft, changed, reached };
  };
}
