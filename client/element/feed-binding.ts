/**
 * Holds the feed that a tray shows: the page's feed, or one that the tray makes itself. Tells the tray when to draw, when to
 * forget a user, and which outcomes to show.
 *
 * | state | the feed | outcomes |
 * |---|---|---|
 * | detached: the tray is not in the document | is not listened to; one of our own is closed | are not presented |
 * | without a feed: pusher-js is loading, or there is no `url` | | |
 * | following | is listened to | are presented after the first fetch; those in the first fetch count as missed |
 *
 * `connect` leaves the state "detached", and `disconnect` enters it. `show`, and `connect` with another url, change the feed.
 */

import { systemTiming } from '../environment.ts';
import { createTaskFeed } from '../feed/connect-tasks.ts';
import type { PendingFeed, TaskFeed } from '../feed/task-feed.ts';
import { type News, presentOutcomes } from '../headless/outcomes/present.ts';
import type { PusherSource } from '../push/pusher-class.ts';

export interface FeedBindingOptions {
  /** Loads pusher-js for a feed of our own; must not reject. */
  readonly loadPusher: () => Promise<PusherSource>;
  /** What the feed shows has changed. */
  readonly onChange: () => void;
  /** Another feed, or another user of the same one: nothing that was shown may stay. */
  readonly onReset: () => void;
  /** This tab should tell the user of these outcomes. */
  readonly onOutcomes: (news: News) => void;
}

export interface FeedBinding {
  /** The feed that is shown, if there is one. */
  readonly feed: TaskFeed | undefined;
  /** Shows `feed`, which the page has handed in, or none. */
  show(feed: TaskFeed | undefined): void;
  /**
   * The tray is in the document, or has another `url`. Shows a feed of our own for the router there (null: none), unless
   * the page has handed in one.
   */
  connect(url: string | null): void;
  /** The tray is not in the document any more. */
  disconnect(): void;
}

/** Begins in the state "detached". */
export function createFeedBinding(options: FeedBindingOptions): FeedBinding {
  let feed: TaskFeed | undefined;
  /** The feed that we have made, and must close. */
  let own: PendingFeed | undefined;
  /** The task router of `own`, already while pusher-js is loading. */
  let url: string | null = null;
  let isConnected = false;
  /** Set in the state "following". */
  let stopFollowing: (() => void) | undefined;
  /** Whose tasks are shown. */
  let channel: string | null | undefined;

  async function openOwn(): Promise<void> {
    const wanted = url;
    if (wanted === null || feed) return;
    const Pusher = await options.loadPusher();
    // In the meantime the tray was removed, or got another feed or another url.
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
    const stopFeed = followed.subscribe(() => {
      // Checked at once, and not when the next frame is drawn: a hidden page draws none.
      checkUser(false);
      options.onChange();
    });
    const stopPresenting = presentWhenReady(followed, options.onOutcomes);
    stopFollowing = () => {
      stopFeed();
      stopPresenting();
    };
    options.onChange();
  }

  function unfollow(): void {
    stopFollowing?.();
    stopFollowing = undefined;
  }

  function checkUser(isOtherFeed: boolean): void {
    const before = channel;
    channel = feed?.getSnapshot().channel;
    // While no user was known, nothing was shown.
    if (isOtherFeed || (before && before !== channel)) options.onReset();
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
      else if (!stopFollowing) use(feed);
    },
    disconnect() {
      isConnected = false;
      unfollow();
      closeOwn();
    },
  };
}

/** Presents the outcomes of `feed` once its first fetch is over. Returns a function that stops. */
function presentWhenReady(feed: TaskFeed, present: FeedBindingOptions['onOutcomes']): () => void {
  const since = systemTiming.now();
  let isStopped = false;
  let stop: (() => void) | undefined;
  const start = () => {
    if (!isStopped) stop = presentOutcomes({ feed, since, present });
  };
  // Only a pending feed has `ready`; any other feed has fetched already. If `ready` rejects, the feed goes on trying.
  Promise.resolve((feed as Partial<PendingFeed>).ready).then(start, start);
  return () => {
    isStopped = true;
    stop?.();
  };
}
