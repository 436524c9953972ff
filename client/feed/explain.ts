/**
 * Describes for the console what the feed's state machine did with an event. Loaded only while debugging is on (`debug.ts`),
 * or with `findMistake` where push does not come up, so that other pages do not download these texts.
 */

import { isFinished, type Snapshot } from '../../core/tasks/snapshot.ts';
import { debug } from '../debug.ts';
import { findTask, isGone, type TaskList } from './state/merge.ts';
import type { FeedEffect, FeedEvents } from './state/reduce.ts';
import type { FeedState } from './state/state.ts';

export { findMistake } from './mistakes.ts';

/** Writes to the console why the state changed from `before` to `after`, and which effects followed. */
export function logEvent(
  event: keyof FeedEvents,
  args: readonly unknown[],
  before: FeedState,
  after: FeedState,
  effects: readonly FeedEffect[],
): void {
  for (const line of explain(event, args, before, after)) debug(line);
  const names = effects.map(([name]) => name).filter((name) => name !== 'planRound');
  if (names.length > 0) debug(`after ${event}: ${names.join(', ')}`);
}

/** The lines that explain an event; none for an event without surprise. */
export function explain(
  event: keyof FeedEvents,
  args: readonly unknown[],
  before: FeedState,
  after: FeedState,
): string[] {
  if (event === 'received') {
    const snapshots = args[0] as readonly Snapshot[];
    return snapshots.flatMap((snapshot) => explainIgnored(snapshot, before.list, after.list) ?? []);
  }
  if (event === 'unreadable') return [`ignored event ${args[0]}: its data is not what the protocol says`];
  if (event === 'answered') {
    const [status, channel, generation] = args;
    if (generation !== before.generation) {
      return [`dropped an answer for ${channel ?? 'nobody'}: it was asked for before the user changed`];
    }
    if (before.isSignedOut !== after.isSignedOut || before.generation !== after.generation) {
      return [`answer ${status} for ${channel ?? 'nobody'}: everything known of ${before.channel} is forgotten`];
    }
    return [];
  }
  if (event === 'linkChanged') {
    const { link } = after;
    return [link?.isUp ? 'push is up' : `push is away${link?.loss ? `: ${link.loss}` : ''}`];
  }
  if (event === 'roundBegan') {
    return [`asks the server: ${before.failures > 0 ? `attempt after ${before.failures} failures` : reasonOf(before)}`];
  }
  if (event === 'roundFailed')
    return [`the server did not answer (status ${args[0]}), ${after.failures} times in a row`];
  return [];
}

function reasonOf(state: FeedState): string {
  if (state.needsInfo) return 'who is signed in and how to reach the bus is not known';
  return state.link?.isUp ? 'push came up, or a task was silent' : 'push is away';
}

/** Why `snapshot` is not in the list after it came, or undefined where it is. */
function explainIgnored(snapshot: Snapshot, before: TaskList, after: TaskList): string | undefined {
  const { id, revision, status } = snapshot;
  const shown = findTask(after, id);
  if (shown === snapshot) return undefined;
  const known = findTask(before, id);
  const what = `ignored ${status} of ${id}, revision ${revision}:`;
  if (!shown) return `${what} it is another user's, or there is no room for it`;
  if (known === undefined || isGone(known)) return undefined;
  if (known.revision === revision) return `${what} doubled`;
  if (known.revision > revision) return `${what} older than revision ${known.revision}`;
  return isFinished(known) ? `${what} the task is over (${known.status})` : undefined;
}
