/** Tells the server which outcomes the user has seen: at once, and again after the next round where that failed. */

import type { TaskError } from '../../core/error.ts';
import { MAX_SEEN_IDS } from '../../core/limits.ts';

export interface SeenOutbox {
  /** Adds what is to be told with the next {@link send}. */
  add(ids: readonly string[]): void;
  /** Tells the server, as many as one request takes. Never rejects. */
  send(): Promise<void>;
  /** Forgets what was not told: it was another user's. */
  forget(): void;
}

/** @param post sends `POST /seen`; rejects with a TaskError */
export function createSeenOutbox(post: (ids: readonly string[]) => Promise<unknown>): SeenOutbox {
  let unsent = new Set<string>();
  return {
    add(ids) {
      for (const id of ids) unsent.add(id);
    },
    async send() {
      // What fails after `forget` must not come back: another user never saw it.
      const own = unsent;
      const ids = [...own].slice(0, MAX_SEEN_IDS);
      if (!ids.length) return;
      for (const id of ids) own.delete(id);
      try {
        await post(ids);
      } catch (error) {
        // A refusal would be refused again.
        if ((error as TaskError).retryable) for (const id of ids) own.add(id);
      }
    },
    forget() {
      unsent = new Set();
    },
  };
}
