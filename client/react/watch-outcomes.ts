/**
 * Tells of each outcome that is reached while somebody watches: once, however it became known, and not of those that
 * were there before. It does so in every tab; who tells the user of outcomes, which is for one tab only, takes
 * `presentOutcomes`.
 */

import { isFinished, type OutcomeSnapshot } from '../../core/snapshot.ts';
import type { PendingFeed, TaskFeed } from '../feed/task-feed.ts';
import { forgetUnlisted } from '../headless/forget.ts';
import { watchTasks } from '../headless/watch-tasks.ts';

/** Starts to watch. Returns a function that stops it. */
export function watchOutcomes(feed: TaskFeed, onOutcome: (task: OutcomeSnapshot) => void): () => void {
  // A result that was too big for a message is on its way.
  const lookAtTasks = watchTasks(feed, ({ resultOmitted }) => !resultOmitted);
  /** Outcomes that were told, or were there before; with the time of the task's creation. */
  const known = new Map<string, string>();
  /**
   * When the newest task of the first fetch was created; undefined before that is in. A later one that is found
   * finished was started and ended between two looks; an earlier one was loaded from the past.
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
      // The past of somebody else who has signed in is no news.
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
    // What was told is not told again when it is loaded from the past.
    forgetUnlisted(known, tasks, (createdAt) => {
      if (horizon !== undefined && createdAt > horizon) horizon = createdAt;
    });
    // The oldest first; each on its own, since one that throws is no reason to miss the next.
    for (const task of reached.reverse()) queueMicrotask(() => onOutcome(task));
  }

  const stop = feed.subscribe(look);
  look();
  // Which a feed of `connectTasks` has behind it.
  const ready = 'ready' in feed ? (feed as PendingFeed).ready : Promise.resolve();
  ready.then(
    () => {
      look();
      horizon ??= feed.getSnapshot().tasks[0]?.createdAt ?? '';
    },
    // Nobody is signed in: what was there before somebody is, is no news.
    () => {
      horizon ??= toTime();
    },
  );
  return () => {
    isStopped = true;
    stop();
  };
}
