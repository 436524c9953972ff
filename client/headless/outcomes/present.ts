/**
 * Tells the user of each outcome once: not in every tab, and not again after a reload. For toasts and similar messages.
 *
 * The feed of every tab knows every outcome. The first visible tab tells of it: that tab claims the outcome in the storage
 * that all tabs share (`tabs/claim.ts`). While no tab is visible, outcomes wait until one is. Outcomes that were seen on any
 * device are not told. When somebody else signs in, nothing of the user before is told or remembered.
 */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { browserPage, type Page, systemTiming, type Timing } from '../../environment.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import { type ClaimOptions, claimIds } from '../../tabs/claim.ts';
import { forgetUnlisted } from '../forget.ts';
import { watchTasks } from './watch-tasks.ts';

/** The key of the outcomes that some tab has claimed. */
const KEY = 'inloop:told';
/** How long after the user's return outcomes count as missed, in milliseconds: what was missed is fetched in that time. */
const RETURN_WINDOW = 3_000;

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
  /** Since when the user has been here, in milliseconds since 1970. Default: now. */
  readonly since?: number;
  readonly page?: Page;
  readonly timing?: Pick<Timing, 'now'>;
}

/** Starts to present. Returns a function that stops. */
export function presentOutcomes(options: PresenterOptions): () => void {
  const { feed, present, page = browserPage, timing = systemTiming } = options;
  const readNews = watchTasks(feed);
  /** Ids of outcomes that this tab has told, or another tab has claimed. Without a shared storage only this prevents repeats. */
  const told = new Set<string>();
  /** Whether an outcome was reached while the user was away, by task id. */
  const missedById = new Map<string, boolean>();
  /** Ids of tasks that were active while the user was here: their outcomes are live. */
  const witnessed = new Set<string>();
  /** Snapshots from before the user's return, which may be out of date. */
  let stale: ReadonlySet<Snapshot> = new Set();
  let returnedAt = options.since ?? timing.now();
  /** Until when outcomes count as missed. */
  let missedUntil = timing.now() + RETURN_WINDOW;
  let isClaiming = false;
  let isStopped = false;

  /** The user has come back, or another user has signed in. */
  function arrive(): void {
    returnedAt = timing.now();
    missedUntil = returnedAt + RETURN_WINDOW;
    witnessed.clear();
  }

  /**
   * Notes of each changed task whether the user was here for its outcome, and then tells of the outcomes that this tab has
   * claimed. Only one claim is on its way at a time.
   */
  async function presentNews(): Promise<void> {
    if (isStopped) return;
    const { tasks, channel: owner, hasUserLeft, changed } = readNews();
    if (hasUserLeft) {
      // What is remembered belongs to the user before.
      arrive();
      for (const kept of [told, missedById]) kept.clear();
      stale = new Set();
    }
    const isVisible = page.isVisible();
    const now = timing.now();
    // When the user came back, by the server's clock, since the times of tasks are the server's.
    const cameAt = (feed.now?.() ?? now) - (now - returnedAt);
    // An outcome is missed if the page is not visible when it comes. It is missed, too, if it comes within 3 s of the user's
    // return, the task is older than the return, and this tab has not seen it active since.
    const isMissed = ({ id, createdAt }: Snapshot): boolean => {
      if (!isVisible) return true;
      const startedHere = witnessed.has(id) || Date.parse(createdAt) > cameAt;
      return now < missedUntil && !startedHere;
    };
    for (const task of changed) {
      if (!isFinished(task)) {
        if (isVisible && !stale.has(task)) witnessed.add(task.id);
      } else if (!missedById.has(task.id)) missedById.set(task.id, isMissed(task));
    }
    for (const kept of [told, missedById, witnessed]) forgetUnlisted<unknown>(kept, tasks);
    if (!isVisible || isClaiming) return;
    const candidates = tasks.filter(isFinished).filter((task) => task.seenAt === null && !told.has(task.id));
    if (candidates.length === 0) return;
    isClaiming = true;
    const ids = candidates.map(({ id }) => id);
    for (const id of ids) told.add(id);
    const claimed = await claimIds(KEY, ids, options);
    isClaiming = false;
    // Another user has signed in during the claim: the claimed outcomes are not told to them.
    if (feed.getSnapshot().channel !== owner) return void presentNews();
    const ours = candidates.filter(({ id }) => claimed.has(id));
    if (ours.length > 0 && !isStopped) {
      present({
        live: ours.filter(({ id }) => !missedById.get(id)),
        missed: ours.filter(({ id }) => missedById.get(id)),
      });
    }
    // More outcomes may have come during the claim.
    void presentNews();
  }

  const stopFeed = feed.subscribe(() => void presentNews());
  const stopPage = page.listen((signal) => {
    if (signal !== 'wake') return;
    arrive();
    stale = new Set(feed.getSnapshot().tasks);
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
