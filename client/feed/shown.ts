/** Holds the snapshot that a feed shows, and tells listeners when it changes. */

import type { Timing } from '../environment.ts';
import type { FeedSnapshot } from './task-feed.ts';

export interface Shown {
  get(): FeedSnapshot;
  /** Shows `next`, and tells the listeners, unless all parts of it are the same as before. */
  set(next: FeedSnapshot): void;
  subscribe(listener: () => void): () => void;
  /** Removes all listeners. */
  close(): void;
}

/** Shows `first` until `set` is called. */
export function createShown(first: FeedSnapshot, timing: Timing): Shown {
  const listeners = new Set<() => void>();
  let shown = first;
  return {
    get: () => shown,
    set(next) {
      const names = Object.keys(next) as (keyof FeedSnapshot)[];
      if (names.every((name) => shown[name] === next[name])) return;
      shown = next;
      for (const listener of [...listeners]) {
        try {
          listener();
        } catch (error) {
          // Thrown later: the page's error handler sees it, and the other listeners are still called.
          timing.setTimeout(() => {
            throw error;
          }, 0);
        }
      }
    },
    subscribe(listener) {
      // Each subscription has its own wrapper. So a function that was subscribed twice and removed once is still called.
      const own = () => listener();
      listeners.add(own);
      return () => listeners.delete(own);
    },
    close: () => listeners.clear(),
  };
}
