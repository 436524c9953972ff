/** What the user does with outcomes: sees them, or removes them from the list. */

import { DISMISSED_EVENT } from '../../../core/wire.ts';
import type { FeedParts } from '../feed-parts.ts';
import { findTask, isGone } from '../state/merge.ts';

/** Marks outcomes as seen: here at once, on the server as soon as it can be reached. */
export function markSeen(
  parts: Pick<FeedParts, 'state' | 'dispatch' | 'outbox' | 'clock'>,
  ids: readonly string[],
): void {
  parts.outbox.add(
    ids.filter((id) => {
      const task = findTask(parts.state().list, id);
      return !task || !(task.seenAt || isGone(task));
    }),
  );
  parts.dispatch('seen', ids, new Date(parts.clock.now()).toISOString());
  void parts.outbox.send();
}

/** Removes finished tasks for good. @param which the body of `POST /clear`: ids, or all that were seen. @throws TaskError */
export async function clear({ http, bus }: Pick<FeedParts, 'http' | 'bus'>, which: object): Promise<void> {
  // The answer says the same as the event, which may come later or get lost.
  bus.read(DISMISSED_EVENT, (await http.post('/clear', which)).body);
}
