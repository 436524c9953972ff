/**
 * Shows each outcome once: not once per tab, not again after a reload. For whoever tells the user of outcomes.
 *
 * The feed of every tab knows every outcome. Telling of it is for a tab that is looked at, and for the first of
 * those: it claims the outcome, under a lock, in the storage that the tabs of a browser share. What nobody was
 * there to be told waits for the first tab that is looked at again. Outcomes that were seen, on whatever device,
 * are not told any more.
 */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../core/snapshot.ts';
import { browserPage, type Page, systemTiming, type Timing } from './environment.ts';
import type { TaskFeed } from './feed.ts';

const KEY = 'inloop:told';
/** More than any inbox holds that a person looks at; about 11 KB of storage. */
const MOST_IDS = 300;
/** What is fetched this soon after a return was missed, in milliseconds. */
const RETURN_WINDOW = 3_000;

/** Outcomes that are to be told now, by this tab. */
export interface News {
  /** Reached while the user was here. */
  readonly live: readonly OutcomeSnapshot[];
  /** Reached while nobody looked. */
  readonly missed: readonly OutcomeSnapshot[];
}

export interface PresenterOptions {
  readonly feed: Pick<TaskFeed, 'getSnapshot' | 'subscribe'>;
  /** Tells the user. Called with at least one outcome; each outcome is handed out once. */
  readonly present: (news: News) => void;
  /** What the tabs of a browser share. Default: `localStorage`, or nothing where there is none. */
  readonly storage?: Pick<Storage, 'getItem' | 'setItem'> | null;
  /** Default: Web Locks, or none where there are none; then two tabs in view at one instant may both tell. */
  readonly locks?: Pick<LockManager, 'request'> | null;
  readonly page?: Page;
  readonly timing?: Pick<Timing, 'now'>;
}

/** Starts to present. Returns a function that stops it. */
export function presentOutcomes(options: PresenterOptions): () => void {
  const { feed, present, page = browserPage, timing = systemTiming } = options;
  const { storage = findStorage(), locks = globalThis.navigator?.locks ?? null } = options;
  /** What this tab knows to be told already; asked before the shared storage, and all there is without one. */
  const told = new Set<string>();
  /** Outcomes this tab knows of, and whether they came while nobody looked. */
  const isMissed = new Map<string, boolean>();
  /** Tasks that were seen going on since the user returned: they end before our eyes. */
  const witnessed = new Set<string>();
  /** What was known at the return, and may be old. */
  let stale: ReadonlySet<Snapshot> = new Set();
  let returnedAt = timing.now();
  let isClaiming = false;
  let isStopped = false;

  async function look(): Promise<void> {
    const { tasks } = feed.getSnapshot();
    const outcomes = tasks.filter(isFinished);
    const isVisible = page.isVisible();
    const isReturning = timing.now() - returnedAt < RETURN_WINDOW;
    for (const { id } of outcomes) {
      if (!isMissed.has(id)) isMissed.set(id, !isVisible || (isReturning && !witnessed.has(id)));
    }
    if (isVisible) for (const task of tasks) if (!isFinished(task) && !stale.has(task)) witnessed.add(task.id);
    if (!isVisible || isClaiming) return;
    const candidates = outcomes.filter((task) => task.seenAt === null && !told.has(task.id));
    if (candidates.length === 0) return;
    isClaiming = true;
    const claimed = await claim(candidates.map(({ id }) => id));
    isClaiming = false;
    const ours = candidates.filter(({ id }) => claimed.has(id));
    if (ours.length > 0 && !isStopped) {
      present({
        live: ours.filter(({ id }) => !isMissed.get(id)),
        missed: ours.filter(({ id }) => isMissed.get(id)),
      });
    }
    void look();
  }

  /** Which of `ids` nobody has told of; from now on, we have. */
  async function claim(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const take = () => {
      const before = readIds(storage);
      const fresh = ids.filter((id) => !before.includes(id));
      if (fresh.length > 0) writeIds(storage, [...before, ...fresh].slice(-MOST_IDS));
      return new Set(fresh);
    };
    for (const id of ids) told.add(id);
    if (!locks) return take();
    try {
      return await locks.request(KEY, take);
    } catch {
      // The page is going away, or locks are not allowed here (an opaque origin).
      return take();
    }
  }

  const stopFeed = feed.subscribe(() => void look());
  const stopPage = page.listen((signal) => {
    if (signal !== 'wake') return;
    returnedAt = timing.now();
    stale = new Set(feed.getSnapshot().tasks);
    witnessed.clear();
    void look();
  });
  void look();
  return () => {
    isStopped = true;
    stopFeed();
    stopPage();
  };
}

function readIds(storage: PresenterOptions['storage']): string[] {
  try {
    const ids: unknown = JSON.parse(storage?.getItem(KEY) ?? '[]');
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}

function writeIds(storage: PresenterOptions['storage'], ids: readonly string[]): void {
  try {
    storage?.setItem(KEY, JSON.stringify(ids));
  } catch {
    // Full or forbidden: then this tab remembers for itself.
  }
}

function findStorage(): PresenterOptions['storage'] {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
