/** Runs one round of requests (`resync.ts`), and reports to the state machine what came of it. */

import type { TaskError } from '../../../core/error.ts';
import type { FeedParts } from '../feed-parts.ts';
import { makeCurrentCheck } from '../machine.ts';
import { load } from '../requests/load-tasks.ts';
import { readConnection } from '../requests/read-connection.ts';
import { isGone } from '../state/merge.ts';
import { silentTasks } from '../state/state.ts';
import { askAll } from './resync.ts';

/** The parts that a round uses. */
export type RoundParts = Pick<FeedParts, 'timing' | 'clock' | 'http' | 'state' | 'dispatch' | 'ready' | 'outbox'>;

/** Asks for everything that may have been missed, unless the feed is closed. Never rejects. */
export async function runRound(parts: RoundParts): Promise<void> {
  const state = parts.state();
  if (state.isClosed) return;
  const isCurrent = makeCurrentCheck(parts);
  const silent = silentTasks(state, parts.timing.now());
  parts.dispatch('roundBegan');
  try {
    const [round] = await Promise.all([
      askAll(
        parts.http,
        state.list.tasks.filter((task) => !isGone(task)),
        state.isShort,
        (snapshots) => isCurrent() && parts.dispatch('received', snapshots),
        (id) => load(parts, id),
      ),
      state.needsInfo && readConnection(parts),
    ]);
    // The server answers 404 also for a task of another user. So check first who is signed in.
    if (round.gone.length) await readConnection(parts);
    if (!isCurrent()) return;
    parts.ready.succeed();
    parts.dispatch('roundSucceeded', round, new Date(parts.clock.now()).toISOString(), silent);
    // The server can be reached, so it is told what it was not told yet.
    void parts.outbox.send();
  } catch (thrown) {
    const { status, retryAfter } = thrown as TaskError;
    // 404: there is no router. 401: nobody is signed in. After any other failure `ready` waits for the next round.
    if (status === 404 || status === 401) parts.ready.fail(thrown);
    if (isCurrent()) parts.dispatch('roundFailed', status, retryAfter, silent.length > 0);
  }
}
