/**
 * Calls a function once for each outcome that is reached while the page is open, whether it was pushed or fetched, and not
 * for outcomes from before. Every tab makes this call. To tell the user in one tab only, use `presentOutcomes`.
 */

import { isFinished, type OutcomeSnapshot } from '../../core/tasks/snapshot.ts';
import type { PendingFeed, TaskFeed } from '../feed/task-feed.ts';
import { forgetUnlisted } from '../headless/forget.ts';
import { watchTasks } from '../headless/outcomes/watch-tasks.ts';

/** Starts to follow `feed`. Returns a function that stops. */
export function watchOutcomes(feed: TaskFeed, onOutcome: (task: OutcomeSnapshot) => void): () => void {
  // An outcome whose result was too big for a message counts when the feed has fetched the result.
  const readNews = watchTasks(feed, ({ resultOmitted }) => !resultOmitted);
  /** The tasks whose outcome was passed on, or was reached before: when each was created, by its id. */
  const known = new Map<string, string>();
  /**
   * Tells two kinds of tasks apart that are finished when they are first seen. A task that was created after this time has
   * started and ended between two calls of `readNews`, so its outcome is new. Any other task was loaded with older tasks.
   *
   * It begins as the time of the newest task of the first fetch. Before that fetch it is undefined, and no such task counts.
   */
  let newSince: string | undefined;
  let isStopped = false;

  function serverTime(): string {
    return new Date(feed.now()).toISOString();
  }

  function passOnNews(): void {
    if (isStopped) return;
    const { tasks, hasUserLeft, changed, reached } = readNews();
    if (hasUserLeft) {
      // Outcomes of the new user from before now are not new.
      known.clear();
      newSince = serverTime();
    }
    const ended = new Set(reached);
    const outcomes: OutcomeSnapshot[] = [];
    for (const task of changed) {
      if (!isFinished(task) || task.resultOmitted || known.has(task.id)) continue;
      known.set(task.id, task.createdAt);
      const isMissed = newSince !== undefined && task.createdAt > newSince && !task.seenAt;
      if (ended.has(task) || isMissed) outcomes.push(task);
    }
    // A forgotten outcome must not count as new when it is loaded again with older tasks.
    forgetUnlisted(known, tasks, (createdAt) => {
      if (newSince !== undefined && createdAt > newSince) newSince = createdAt;
    });
    // The oldest first. Each call has a microtask of its own, so that an error in one does not prevent the others.
    for (const task of outcomes.reverse()) queueMicrotask(() => onOutcome(task));
  }

  const stop = feed.subscribe(passOnNews);
  passOnNews();
  // A feed without `ready` comes from `connectTasks`, and has finished its first fetch.
  const ready = 'ready' in feed ? (feed as PendingFeed).ready : Promise.resolve();
  ready.then(
    () => {
      passOnNews();
      // The empty string comes before every time: if there were no tasks, every task is new.
      newSince ??= feed.getSnapshot().tasks[0]?.createdAt ?? '';
    },
    // Nobody is signed in yet. Outcomes from before now are not new.
    () => {
      newSince ??= serverTime();
    },
  );
  return () => {
    isStopped = true;
    stop();
  };
}
