/** Asks the server who is signed in and how to reach the bus: both are in the answer to `GET /connection`. */

import { parseConnection } from '../../parse.ts';
import type { FeedParts } from '../feed-parts.ts';
import { makeCurrentCheck } from '../machine.ts';
import { expectValid } from '../rounds/resync.ts';

/** Asks, and reports the answer to the state machine. @throws TaskError */
export async function readConnection(parts: Pick<FeedParts, 'http' | 'state' | 'dispatch'>): Promise<void> {
  const isCurrent = makeCurrentCheck(parts);
  const answer = await parts.http.get('/connection');
  const info = expectValid(parseConnection(answer.body));
  if (!isCurrent()) return;
  // An answer with the user's channel in its header has told the state machine already (`onAnswer` in `http.ts`).
  if (answer.channel === null) parts.dispatch('userNamed', info.channel);
  parts.dispatch('connectionRead', info);
}
