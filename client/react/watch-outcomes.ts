/**
 * Calls back for each outcome that is reached while the page is open: once, however it became known, and not for outcomes
 * from before. It does so in every tab. To tell the user in one tab only, there is `presentOutcomes`.
 */

import { isFinished, type OutcomeSnapshot } from '../../core/snapshot.ts';
import type { PendingFeed, TaskFeed } from '../feed/task-feed.ts';
import { forgetUnlisted } from '../headless/forget.ts';
import { watchTasks } from '../headless/watch-tasks.ts';

/** Starts to watch. Returns a function that stops it. */
export function watchOutcomes(feed: TaskFeed, onOutcome: (task: OutcomeSnapshot) => void): () => void {
  // A result that was too big for a message is on its way.
  const lookAtTasks = watchTasks(feed, ({ resultOmitted }) => !resultOmitted);
  /** When each task whose outcome is known was created, by its id: outcomes that were told, or were there before. */
  const known = new Map<string, string>();
  /**
   * When the newest task of the first fetch was created; undefined before that fetch. A newer task that is found finished
   * has started and ended between two looks, so it is new. An older one was loaded from the past.
   */
  let horizon: string | undefined;
  let isStopped = false;

  function toTime(): string {
    return new Date(feed.now()).toISOString();
  }

  function look(): void {
    if (isStopped) return;
    const { tasks, hasUserLeft, changed, ...news } = lookAtTasks();
    const ended = new Set(news.reached);
    if (hasUserLeft) {
      // Outcomes of the new user from before now are not new.
      known.clear();
      horizon = toTime();
    }
    const reached: OutcomeSnapshot[] = [];
    for (const task of changed) {
      if (!isFinished(task) || task.resultOmitted || known.has(task.id)) continue;
      known.set(task.id, task.createdAt);
      const isMissed = horizon !== undefined && task.createdAt > horizon && !task.seenAt;
      if (ended.has(task) || isMissed) reached.push(task);
    }
    // An outcome that was told must not be told again when it is loaded from the past.
    forgetUnlisted(known, tasks, (createdAt) => {
      if (horizon !== undefined && createdAt > horizon) horizon = createdAt;
    });
    // The oldest first. Each in a microtask of its own, so that one that throws does not keep the others from being told.
    for (const task of reached.reverse()) queueMicrotask(() => onOutcome(task));
  }

  const stop = feed.subscribe(look);
  look();
  // A feed without `ready` has its first fetch behind it.
  const ready = 'ready' in feed ? (feed as PendingFeed).ready : Promise.resolve();
  ready.then(
    () => {
      look();
      horizon ??= feed.getSnapshot().tasks[0]?.createdAt ?? '';
    },
    // Nobody is signed in yet. Outcomes from before somebody does are not new.
    () => {
      horizon ??= toTime();
    },
  );
  return () => {
    isStopped = true;
    stop();
  };
}
