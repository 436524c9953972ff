/**
 * Remembers of each outcome whether the user was here when it was reached, or missed it. `present.ts` tells of the two in
 * different words.
 *
 * An outcome is missed if the page is not visible when it comes. It is missed, too, if it comes within 3 s of the user's
 * return, the task is older than the return, and the task was not seen active since.
 */

import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import type { Page, Timing } from '../../environment.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import { forgetUnlisted } from '../forget.ts';
import { RETURN_WINDOW } from '../limits.ts';

export interface AttendanceOptions {
  /** `now` is the server's time. Without it, `timing.now()` counts as the server's time. */
  readonly feed: Partial<Pick<TaskFeed, 'now'>>;
  readonly page: Pick<Page, 'isVisible'>;
  readonly timing: Pick<Timing, 'now'>;
  /** Since when the user has been here, by `timing.now()`. Default: now. */
  readonly since?: number | undefined;
}

export interface Attendance {
  /** The user has come back. @param tasks as the feed knows them, which may be out of date */
  arrive(tasks: readonly Snapshot[]): void;
  /** Another user is here: forgets everything. */
  reset(): void;
  /** Notes what is to be remembered of `changed` tasks, and forgets tasks that are not among all `tasks`. */
  observe(changed: readonly Snapshot[], tasks: readonly Snapshot[]): void;
  /** Whether the user missed the outcome of task `id`. */
  hasMissed(id: string): boolean;
}

/** Begins as if the user had come at `since`. */
export function createAttendance({ feed, page, timing, since }: AttendanceOptions): Attendance {
  /** Whether the outcome of a task was missed, by task id. */
  const missedById = new Map<string, boolean>();
  /** Ids of tasks that were active while the user was here: their outcomes are not missed. */
  const witnessed = new Set<string>();
  /** Snapshots from before the user's return, which may be out of date. */
  let stale: ReadonlySet<Snapshot> = new Set();
  let returnedAt = since ?? timing.now();
  /** Until when outcomes count as missed. */
  let missedUntil = timing.now() + RETURN_WINDOW;

  function arrive(tasks: readonly Snapshot[]): void {
    returnedAt = timing.now();
    missedUntil = returnedAt + RETURN_WINDOW;
    witnessed.clear();
    stale = new Set(tasks);
  }

  function isMissed(task: Snapshot): boolean {
    if (!page.isVisible()) return true;
    const now = timing.now();
    // When the user came back, by the server's clock, since the times of tasks are the server's.
    const cameAt = (feed.now?.() ?? now) - (now - returnedAt);
    const startedHere = witnessed.has(task.id) || Date.parse(task.createdAt) > cameAt;
    return now < missedUntil && !startedHere;
  }

  return {
    arrive,
    reset() {
      arrive([]);
      missedById.clear();
    },
    observe(changed, tasks) {
      for (const task of changed) {
        if (!isFinished(task)) {
          if (page.isVisible() && !stale.has(task)) witnessed.add(task.id);
        } else if (!missedById.has(task.id)) missedById.set(task.id, isMissed(task));
      }
      for (const kept of [missedById, witnessed]) forgetUnlisted<unknown>(kept, tasks);
    },
    hasMissed: (id) => !!missedById.get(id),
  };
}
