/** Tells the server which outcomes the user has seen: at once, and where that fails, again after the next round. */

import type { TaskError } from '../../../core/error.ts';
import { MAX_SEEN_IDS } from '../../../core/limits.ts';

export interface SeenOutbox {
  /** Adds ids that the next {@link send} sends. */
  add(ids: readonly string[]): void;
  /** Sends one request, with at most {@link MAX_SEEN_IDS} ids; others wait for the next call. Never rejects. */
  send(): Promise<void>;
  /** Forgets the ids that were not sent: they are another user's. */
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
      // `forget` replaces the set. So ids that fail after it are not added to the set of the next user.
      const own = unsent;
      const ids = [...own].slice(0, MAX_SEEN_IDS);
      if (!ids.length) return;
      for (const id of ids) own.delete(id);
      try {
        await post(ids);
      } catch (error) {
        // If the server has refused the ids, it would refuse them again. So only an error that may pass puts them back.
        if ((error as TaskError).retryable) for (const id of ids) own.add(id);
      }
    },
    forget() {
      unsent = new Set();
    },
  };
}
