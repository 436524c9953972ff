/** What a feed shows, and who is told when it changes. */

import type { Timing } from '../environment.ts';
import type { FeedSnapshot } from './task-feed.ts';

export interface Shown {
  get(): FeedSnapshot;
  /** Shows `next`, where it says anything new. */
  set(next: FeedSnapshot): void;
  subscribe(listener: () => void): () => void;
  /** Tells nobody any more. */
  close(): void;
}

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
          // One listener's fault is the page's to see, and no reason for the others to miss the news.
          timing.setTimeout(() => {
            throw error;
          }, 0);
        }
      }
    },
    subscribe(listener) {
      // Its own wrapper: subscribing one function twice and ending one of the two leaves the other.
      const own = () => listener();
      listeners.add(own);
      return () => listeners.delete(own);
    },
    close: () => listeners.clear(),
  };
}
