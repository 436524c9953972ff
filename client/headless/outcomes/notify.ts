/**
 * Tells of outcomes while no tab of this browser is visible. Only one tab tells of each outcome. For system notifications, in
 * `<inloop-tray>` and in other UIs.
 *
 * Every visible tab holds a shared lock. A tab that wants to notify asks for an exclusive lock of the same name, which it
 * gets only while no tab is visible. The browser frees the lock of a tab that crashes. Without Web Locks no tab notifies.
 */

import type { OutcomeSnapshot } from '../../../core/tasks/snapshot.ts';
import { browserPage, type Page } from '../../environment.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import { type ClaimOptions, claimIds } from '../../tabs/claim.ts';
import { watchTasks } from './watch-tasks.ts';

/** The key of the outcomes that some tab has told of. */
const NOTIFIED = 'inloop:notified';
/** The name of the lock that visible tabs share. */
const VISIBLE = 'inloop:visible';

export interface NotifierOptions extends ClaimOptions {
  readonly feed: Pick<TaskFeed, 'getSnapshot' | 'subscribe'>;
  /** Called with outcomes that were reached while no tab was visible. Of all tabs of a browser, one is called with each outcome. */
  readonly notify: (outcomes: readonly OutcomeSnapshot[]) => void;
  readonly page?: Pick<Page, 'isVisible'>;
}

/** Starts to wait for outcomes. Returns a function that stops it. */
export function notifyOutcomes(options: NotifierOptions): () => void {
  const { feed, notify, page = browserPage, locks = globalThis.navigator?.locks } = options;
  if (!locks) return () => {};
  const end = new AbortController();
  const readNews = watchTasks(feed);
  let release: (() => void) | undefined;
  const ignore = () => {};

  /** Holds the shared lock while this tab is visible. */
  function updateLock(): void {
    if (!page.isVisible()) {
      release?.();
      release = undefined;
    } else if (!release && !end.signal.aborted) {
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      locks?.request(VISIBLE, { mode: 'shared', signal: end.signal }, () => held).catch(ignore);
    }
  }

  function tellNews(): void {
    // Only the outcome of a task that this tab knew as active is news.
    const { channel: owner, reached } = readNews();
    const unseen = reached.filter(({ seenAt }) => !seenAt);
    if (unseen.length === 0 || page.isVisible()) return;
    // One tab after the other. Otherwise two hidden tabs could each take the other's lock for the lock of a visible tab.
    locks
      ?.request(`${VISIBLE}?`, async () => {
        const isNoTabVisible = await locks?.request(VISIBLE, { ifAvailable: true }, (lock) => lock !== null);
        if (!isNoTabVisible || end.signal.aborted) return;
        const ours = await claimIds(
          NOTIFIED,
          unseen.map(({ id }) => id),
          options,
        );
        const news = unseen.filter(({ id }) => ours.has(id));
        if (news.length > 0 && feed.getSnapshot().channel === owner) notify(news);
      })
      .catch(ignore);
  }

  const stopFeed = feed.subscribe(tellNews);
  globalThis.document?.addEventListener('visibilitychange', updateLock, { signal: end.signal });
  updateLock();
  tellNews();
  return () => {
    end.abort();
    release?.();
    stopFeed();
  };
}
