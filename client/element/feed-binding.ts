/**
 * The feed that a tray shows: the one that the page handed in, or one of its own. Tells the tray what to do about it.
 *
 * | state | the feed | outcomes |
 * |---|---|---|
 * | apart: the tray is not in the document | is not listened to; an own one is closed | are not presented |
 * | without a feed: pusher-js is on its way, or there is no `url` | | |
 * | following | is listened to | are presented from its first fetch on: what is in that was missed |
 *
 * `connect` leads out of the state "apart", `disconnect` into it; `show`, and `connect` with another url, to another feed.
 */

import { systemTiming } from '../environment.ts';
import { createTaskFeed } from '../feed/connect-tasks.ts';
import type { PendingFeed, TaskFeed } from '../feed/task-feed.ts';
import { type News, presentOutcomes } from '../headless/present.ts';
import type { PusherSource } from '../push/pusher-class.ts';

export interface FeedBindingOptions {
  /** Gets pusher-js for a feed of our own; must not reject. */
  readonly loadPusher: () => Promise<PusherSource>;
  /** The feed says something new. */
  readonly onChange: () => void;
  /** Another feed, or another user of the same one: nothing that was shown may stay. */
  readonly onReset: () => void;
  /** Outcomes that this tab is to tell the user of. */
  readonly onOutcomes: (news: News) => void;
}

export interface FeedBinding {
  /** The feed that is shown, if there is one. */
  readonly feed: TaskFeed | undefined;
  /** Shows the page's own `feed`, or none. */
  show(feed: TaskFeed | undefined): void;
  /**
   * The tray is in the document, or has another `url`. Shows a feed of our own for the router there (null: none), unless
   * the page has handed in one.
   */
  connect(url: string | null): void;
  /** The tray is not in the document any more. */
  disconnect(): void;
}

export function createFeedBinding({ loadPusher, onChange, onReset, onOutcomes }: FeedBindingOptions): FeedBinding {
  let feed: TaskFeed | undefined;
  /** Made by us, so ours to close. */
  let own: PendingFeed | undefined;
  /** Where the feed of our own is, or will be once pusher-js is there. */
  let url: string | null = null;
  let isConnected = false;
  /** Set in the state "following". */
  let unsubscribe: (() => void) | undefined;
  let stopPresenting: (() => void) | undefined;
  /** Whose tasks are shown. */
  let channel: string | null | undefined;

  async function openOwn(): Promise<void> {
    const wanted = url;
    if (wanted === null || feed) return;
    const Pusher = await loadPusher();
    // The tray was removed meanwhile, or is told to show something else.
    if (!isConnected || feed || url !== wanted) return;
    own = createTaskFeed({ url: wanted, Pusher });
    use(own);
  }

  function closeOwn(): void {
    if (!own) return;
    own.close();
    own = undefined;
    use(undefined);
  }

  function use(next: TaskFeed | undefined): void {
    unfollow();
    const isOther = next !== feed;
    feed = next;
    checkUser(isOther);
    if (feed && isConnected) follow(feed);
  }

  function follow(followed: TaskFeed): void {
    unsubscribe = followed.subscribe(() => {
      // At once, and not with the next frame: a hidden page has none.
      checkUser(false);
      onChange();
    });
    const since = systemTiming.now();
    const present = () => {
      if (followed !== feed || !unsubscribe || stopPresenting) return;
      stopPresenting = presentOutcomes({ feed, since, present: onOutcomes });
    };
    const ready = 'ready' in followed ? (followed as PendingFeed).ready : Promise.resolve();
    // Also after a failure: the feed goes on trying.
    ready.then(present, present);
    onChange();
  }

  function unfollow(): void {
    unsubscribe?.();
    stopPresenting?.();
    unsubscribe = stopPresenting = undefined;
  }

  function checkUser(isOtherFeed: boolean): void {
    const before = channel;
    channel = feed?.getSnapshot().channel;
    // While nobody was known, nothing was shown that could be somebody else's.
    if (isOtherFeed || (before && before !== channel)) onReset();
  }

  return {
    get feed() {
      return feed;
    },
    show(next) {
      closeOwn();
      use(next);
    },
    connect(next) {
      closeOwn();
      isConnected = true;
      url = next;
      if (!feed) void openOwn();
      else if (!unsubscribe) use(feed);
    },
    disconnect() {
      isConnected = false;
      unfollow();
      closeOwn();
    },
  };
}
