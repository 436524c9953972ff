/**
 * Tells the user of each outcome once: not in every tab, and not again after a reload. For toasts and similar messages.
 *
 * The feed of every tab knows every outcome. The first visible tab tells of it: that tab claims the outcome in the storage
 * that all tabs share (`tabs/claim.ts`). While no tab is visible, outcomes wait until one is. Outcomes that were seen on any
 * device are not told. When somebody else signs in, nothing of the user before is told or remembered.
 */

import { isFinished, type OutcomeSnapshot } from '../../../core/tasks/snapshot.ts';
import { browserPage, type Page, systemTiming, type Timing } from '../../environment.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import { type ClaimOptions, claimIds } from '../../tabs/claim.ts';
import { forgetUnlisted } from '../forget.ts';
import { createAttendance } from './attendance.ts';
import { watchTasks } from './watch-tasks.ts';

/** The key of the outcomes that some tab has claimed. */
const KEY = 'inloop:told';

/** Outcomes that this tab should tell now. */
export interface News {
  /** Reached while the user was here. */
  readonly live: readonly OutcomeSnapshot[];
  /** Reached while the user was away. */
  readonly missed: readonly OutcomeSnapshot[];
}

/** What `presentOutcomes` needs: the feed, and how to tell the user. */
export interface PresenterOptions extends ClaimOptions {
  readonly feed: Pick<TaskFeed, 'getSnapshot' | 'subscribe'> & Partial<Pick<TaskFeed, 'now'>>;
  /** Tells the user. Called with at least one outcome, and with each outcome once. */
  readonly present: (news: News) => void;
  /** Since when the user has been here, in milliseconds since 1970, by `timing.now()`. Default: now. */
  readonly since?: number;
  readonly page?: Page;
  readonly timing?: Pick<Timing, 'now'>;
}

/** Starts to present. Returns a function that stops. */
export function presentOutcomes(options: PresenterOptions): () => void {
  const { feed, page = browserPage, timing = systemTiming } = options;
  const readNews = watchTasks(feed);
  const attendance = createAttendance({ ...options, page, timing });
  /** Ids of outcomes that this tab has told, or another tab has claimed. Without a shared storage only this prevents repeats. */
  const told = new Set<string>();
  let isClaiming = false;
  let isStopped = false;

  /** Claims the outcomes that were not told yet, and tells of those that no other tab has claimed. One claim at a time. */
  async function presentNews(): Promise<void> {
    if (isStopped) return;
    const { tasks, channel: owner, hasUserLeft, changed } = readNews();
    if (hasUserLeft) {
      // What is remembered belongs to the user before.
      attendance.reset();
      told.clear();
    }
    attendance.observe(changed, tasks);
    forgetUnlisted(told, tasks);
    if (isClaiming || !page.isVisible()) return;
    const untold = tasks.filter(isFinished).filter(({ id, seenAt }) => !seenAt && !told.has(id));
    if (untold.length === 0) return;
    isClaiming = true;
    const ids = untold.map(({ id }) => id);
    for (const id of ids) told.add(id);
    const claimed = await claimIds(KEY, ids, options);
    isClaiming = false;
    // If another user has signed in during the claim, the claimed outcomes are not told to them.
    if (feed.getSnapshot().channel === owner) tell(untold.filter((task) => claimed.has(task.id)));
    // More outcomes may have come during the claim.
    void presentNews();
  }

  function tell(outcomes: readonly OutcomeSnapshot[]): void {
    if (outcomes.length === 0 || isStopped) return;
    const isMissed = ({ id }: OutcomeSnapshot) => attendance.hasMissed(id);
    options.present({ live: outcomes.filter((task) => !isMissed(task)), missed: outcomes.filter(isMissed) });
  }

  const stopFeed = feed.subscribe(() => void presentNews());
  const stopPage = page.listen((signal) => {
    if (signal !== 'wake') return;
    attendance.arrive(feed.getSnapshot().tasks);
    void presentNews();
  });
  // In a microtask: React in development starts an effect, stops it and starts it again. The stopped one must claim nothing.
  queueMicrotask(presentNews);
  return () => {
    isStopped = true;
    stopFeed();
    stopPage();
  };
}
