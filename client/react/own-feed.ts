/**
 * The feed that a provider owns. Rendering must not connect, since React renders on servers and discards renders. But
 * components need something to subscribe to from their first render on. So this feed exists at once, and connects, closes
 * and connects again with the provider's effects.
 */

import { TaskError } from '../../core/error.ts';
import { systemTiming } from '../environment.ts';
import { createTaskFeed } from '../feed/connect-tasks.ts';
import type { FeedOptions } from '../feed/options.ts';
import { NOTHING_YET } from '../feed/state/state.ts';
import type { PendingFeed, StartOptions, TaskFeed } from '../feed/task-feed.ts';

/**
 * A feed. While it is not open, it shows {@link NOTHING_YET}, and `now` is the device's time. `start`, `cancel`, `retry`,
 * `load`, `dismiss` and `clear` reject. `ready` is resolved. `refresh`, `seen`, `loadMore` and `close` do nothing.
 */
export interface OwnFeed extends PendingFeed {
  /** Connects. Returns a function that disconnects. @throws ConfigError `invalid_options` */
  open(options: FeedOptions): () => void;
}

/** A feed that is not open yet. */
export function createOwnFeed(): OwnFeed {
  let feed: PendingFeed | undefined;
  const subscribers = new Set<{ readonly listener: () => void; stop: (() => void) | undefined }>();

  function requireOpen(): PendingFeed {
    if (feed) return feed;
    throw new TaskError('closed', 'The <TasksProvider> of this feed is not mounted.', { status: 0 });
  }

  function close(): void {
    // Subscribers are not called: either none is left, or the next `open` calls them.
    for (const subscriber of subscribers) subscriber.stop?.();
    feed?.close();
    feed = undefined;
  }

  return {
    get ready() {
      return feed?.ready ?? Promise.resolve();
    },
    open(options) {
      const opening = createTaskFeed(options);
      feed = opening;
      for (const subscriber of subscribers) {
        subscriber.stop = opening.subscribe(subscriber.listener);
        subscriber.listener();
      }
      return () => feed === opening && close();
    },
    getSnapshot: () => feed?.getSnapshot() ?? NOTHING_YET,
    subscribe(listener) {
      const subscriber = { listener, stop: feed?.subscribe(listener) };
      subscribers.add(subscriber);
      return () => {
        subscribers.delete(subscriber);
        subscriber.stop?.();
      };
    },
    refresh: async () => feed?.refresh(),
    now: () => feed?.now() ?? systemTiming.now(),
    get: (id) => feed?.get(id),
    load: async (id) => requireOpen().load(id),
    start: (async (...args: [name: string, input: unknown, options?: StartOptions]) =>
      requireOpen().start(...args)) as TaskFeed['start'],
    cancel: async (id) => requireOpen().cancel(id),
    retry: async (id) => requireOpen().retry(id),
    seen: (ids) => feed?.seen(ids),
    dismiss: async (id) => requireOpen().dismiss(id),
    clear: async () => requireOpen().clear(),
    loadMore: async () => feed?.loadMore(),
    close,
  };
}
