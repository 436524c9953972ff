/**
 * Tells the user of each outcome once: not in every tab, and not again after a reload. For toasts and the like.
 *
 * The feed of every tab knows every outcome. The first visible tab tells of it: that tab claims the outcome in the storage
 * that all tabs share (`tabs/claim.ts`). While no tab is visible, outcomes wait for the first that is. Outcomes that were
 * seen on any device are not told. When somebody else signs in, nothing of the former user is told or remembered.
 */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../core/snapshot.ts';
import { browserPage, type Page, systemTiming, type Timing } from '../environment.ts';
import type { TaskFeed } from '../feed/task-feed.ts';
import { type ClaimOptions, claimIds } from '../tabs/claim.ts';
import { forgetUnlisted } from './forget.ts';
import { watchTasks } from './watch-tasks.ts';

const KEY = 'inloop:told';
/** Outcomes that come within this time after the user's return count as missed, in milliseconds: they are fetched then. */
const RETURN_WINDOW = 3_000;

/** Outcomes that this tab should tell now. */
export interface News {
  /** Reached while the user was here. */
  readonly live: readonly OutcomeSnapshot[];
  /** Reached while nobody looked. */
  readonly missed: readonly OutcomeSnapshot[];
}

export interface PresenterOptions extends ClaimOptions {
  readonly feed: Pick<TaskFeed, 'getSnapshot' | 'subscribe'> & Partial<Pick<TaskFeed, 'now'>>;
  /** Tells the user. Called with at least one outcome, and with each outcome once. */
  readonly present: (news: News) => void;
  /** Since when the user has been here, in milliseconds since 1970. Default: now. */
  readonly since?: number;
  readonly page?: Page;
  readonly timing?: Pick<Timing, 'now'>;
}

/** Starts to present. Returns a function that stops it. */
export function presentOutcomes(options: PresenterOptions): () => void {
  const { feed, present, page = browserPage, timing = systemTiming } = options;
  const lookAtTasks = watchTasks(feed);
  /** Ids that this tab knows to be told. Without a shared storage this is all there is. */
  const told = new Set<string>();
  /** Whether each outcome came while the user was away, by its id. */
  const isMissed = new Map<string, boolean>();
  /** Ids of tasks that were active while the user was here: their outcomes are live. */
  const witnessed = new Set<string>();
  /** Snapshots from before the user's return, which may be out of date. */
  let stale: ReadonlySet<Snapshot> = new Set();
  let returnedAt = options.since ?? timing.now();
  let settledAt = timing.now() + RETURN_WINDOW;
  let isClaiming = false;
  let isStopped = false;

  /** The user has come back, or somebody else has come. */
  function arrive(): void {
    returnedAt = timing.now();
    settledAt = returnedAt + RETURN_WINDOW;
    witnessed.clear();
  }

  async function look(): Promise<void> {
    if (isStopped) return;
    const { tasks, channel: owner, hasUserLeft, changed } = lookAtTasks();
    if (hasUserLeft) {
      arrive();
      for (const kept of [told, isMissed]) kept.clear();
      stale = new Set();
    }
    const isVisible = page.isVisible();
    const now = timing.now();
    // When the user came, by the server's clock, since the times of tasks are the server's.
    const cameAt = (feed.now?.() ?? now) - (now - returnedAt);
    const isMissing = ({ id, createdAt }: Snapshot) =>
      !isVisible || (now < settledAt && !witnessed.has(id) && !(Date.parse(createdAt) > cameAt));
    for (const task of changed) {
      if (!isFinished(task)) isVisible && !stale.has(task) && witnessed.add(task.id);
      else if (!isMissed.has(task.id)) isMissed.set(task.id, isMissing(task));
    }
    for (const kept of [told, isMissed, witnessed]) forgetUnlisted<unknown>(kept, tasks);
    if (!isVisible || isClaiming) return;
    const candidates = tasks.filter(isFinished).filter((task) => task.seenAt === null && !told.has(task.id));
    if (candidates.length === 0) return;
    isClaiming = true;
    const ids = candidates.map(({ id }) => id);
    for (const id of ids) told.add(id);
    const claimed = await claimIds(KEY, ids, options);
    isClaiming = false;
    if (feed.getSnapshot().channel !== owner) return void look();
    const ours = candidates.filter(({ id }) => claimed.has(id));
    if (ours.length > 0 && !isStopped) {
      present({
        live: ours.filter(({ id }) => !isMissed.get(id)),
        missed: ours.filter(({ id }) => isMissed.get(id)),
      });
    }
    void look();
  }

  const stopFeed = feed.subscribe(() => void look());
  const stopPage = page.listen((signal) => {
    if (signal !== 'wake') return;
    arrive();
    stale = new Set(feed.getSnapshot().tasks);
    void look();
  });
  // Not at once: React in development starts and stops effects right away, and a stopped one must not claim anything.
  queueMicrotask(look);
  return () => {
    isStopped = true;
    stopFeed();
    stopPage();
  };
}
