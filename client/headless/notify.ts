/**
 * Tells of outcomes outside of the page, while no tab of this browser is visible: once, by one of the tabs. For system
 * notifications, of `<inloop-tray>` and of other UIs.
 *
 * Every visible tab holds a shared lock. A tab that wants to notify asks for an exclusive lock of the same name, which it
 * gets only while no tab is visible. The browser frees the lock of a tab that crashes. Without Web Locks no tab notifies.
 */

import type { OutcomeSnapshot } from '../../core/snapshot.ts';
import { browserPage, type Page } from '../environment.ts';
import type { TaskFeed } from '../feed/task-feed.ts';
import { type ClaimOptions, claimIds } from '../tabs/claim.ts';
import { watchTasks } from './watch-tasks.ts';

const NOTIFIED = 'inloop:notified';
const VISIBLE = 'inloop:visible';

export interface NotifierOptions extends ClaimOptions {
  readonly feed: Pick<TaskFeed, 'getSnapshot' | 'subscribe'>;
  /** Called with outcomes that were reached while no tab was visible, with each of them once per browser. */
  readonly notify: (outcomes: readonly OutcomeSnapshot[]) => void;
  readonly page?: Pick<Page, 'isVisible'>;
}

/** Starts to watch. Returns a function that stops it. */
export function notifyOutcomes(options: NotifierOptions): () => void {
  const { feed, notify, page = browserPage, locks = globalThis.navigator?.locks } = options;
  if (!locks) return () => {};
  const end = new AbortController();
  const lookAtTasks = watchTasks(feed);
  let release: (() => void) | undefined;
  const ignore = () => {};

  function showVisible(): void {
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

  function look(): void {
    // Only the outcomes of tasks that were seen going on are news.
    const { channel: owner, reached: ended } = lookAtTasks();
    const reached = ended.filter(({ seenAt }) => !seenAt);
    if (reached.length === 0 || page.isVisible()) return;
    // One tab after the other: of two hidden tabs, neither must take the other's lock for that of a visible tab.
    locks
      ?.request(`${VISIBLE}?`, async () => {
        const isAlone = await locks?.request(VISIBLE, { ifAvailable: true }, (lock) => lock !== null);
        if (!isAlone || end.signal.aborted) return;
        const ours = await claimIds(
          NOTIFIED,
          reached.map(({ id }) => id),
          options,
        );
        const news = reached.filter(({ id }) => ours.has(id));
        if (news.length > 0 && feed.getSnapshot().channel === owner) notify(news);
      })
      .catch(ignore);
  }

  const stopFeed = feed.subscribe(look);
  globalThis.document?.addEventListener('visibilitychange', showVisible, { signal: end.signal });
  showVisible();
  look();
  return () => {
    end.abort();
    release?.();
    stopFeed();
  };
}
