/**
 * Shows each outcome once: not once per tab, not again after a reload. For whoever tells the user of outcomes.
 *
 * The feed of every tab knows every outcome. Telling of it is for a tab that is looked at, and for the first of
 * those: it claims the outcome, under a lock, in the storage that the tabs of a browser share. What nobody was
 * there to be told waits for the first tab that is looked at again. Outcomes that were seen, on whatever device,
 * are not told any more. Where somebody else has signed in, nothing of the user before is told or remembered.
 */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../core/snapshot.ts';
import { browserPage, type Page, systemTiming, type Timing } from '../environment.ts';
import type { TaskFeed } from '../feed/task-feed.ts';
import { type ClaimOptions, claimIds } from '../tabs/claim.ts';
import { forgetUnlisted } from './forget.ts';
import { watchTasks } from './watch-tasks.ts';

const KEY = 'inloop:told';
/** What is fetched this soon after a return was missed, in milliseconds. */
const RETURN_WINDOW = 3_000;

/** Outcomes that are to be told now, by this tab. */
export interface News {
  /** Reached while the user was here. */
  readonly live: readonly OutcomeSnapshot[];
  /** Reached while nobody looked. */
  readonly missed: readonly OutcomeSnapshot[];
}

export interface PresenterOptions extends ClaimOptions {
  readonly feed: Pick<TaskFeed, 'getSnapshot' | 'subscribe'> & Partial<Pick<TaskFeed, 'now'>>;
  /** Tells the user. Called with at least one outcome; each outcome is handed out once. */
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
  /** What this tab knows to be told already; asked before the shared storage, and all there is without one. */
  const told = new Set<string>();
  /** Outcomes this tab knows of, and whether they came while nobody looked. */
  const isMissed = new Map<string, boolean>();
  /** Tasks that were seen going on since the user returned: they end before our eyes. */
  const witnessed = new Set<string>();
  /** What was known at the return, and may be old. */
  let stale: ReadonlySet<Snapshot> = new Set();
  let returnedAt = options.since ?? timing.now();
  let settledAt = timing.now() + RETURN_WINDOW;
  let isClaiming = false;
  let isStopped = false;

  /** The user is here as of now. */
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
    // When the user came, by the server's clock: tasks are told by that.
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
  // Not at once: what is stopped right where it was started (by React, in development) must not have claimed anything.
  queueMicrotask(look);
  return () => {
    isStopped = true;
    stopFeed();
    stopPage();
  };
}
