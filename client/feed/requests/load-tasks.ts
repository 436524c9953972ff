/** Fetches tasks and merges them into the list: a single task, a result that was too big for a message, and older tasks. */

import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { isPartial } from '../../../core/wire.ts';
import type { Answer } from '../../http.ts';
import { parseSnapshot } from '../../parse.ts';
import type { FeedParts } from '../feed-parts.ts';
import { OLDER_PAGES } from '../limits.ts';
import { makeCurrentCheck } from '../machine.ts';
import { expectValid, fetchPage } from '../rounds/resync.ts';

/** The parts that a request for a task uses. */
export type LoadParts = Pick<FeedParts, 'http' | 'state' | 'dispatch'>;

/** Returns the snapshot in `answer`. Merges it into the list, unless the user has changed. @throws TaskError */
export async function receiveAnswer(
  parts: Pick<FeedParts, 'state' | 'dispatch'>,
  answer: Promise<Answer>,
): Promise<Snapshot> {
  const isCurrent = makeCurrentCheck(parts);
  const snapshot = expectValid(parseSnapshot((await answer).body));
  if (isCurrent()) parts.dispatch('received', [snapshot]);
  return snapshot;
}

/** Fetches the task `id`, with its whole result. @throws TaskError */
export function load(parts: LoadParts, id: string): Promise<Snapshot> {
  return receiveAnswer(parts, parts.http.get(`/${encodeURIComponent(id)}`));
}

/** Like {@link load}, but never rejects, and does nothing while that task is in `loading`. */
export function loadResult(parts: LoadParts & Pick<FeedParts, 'loading'>, id: string): void {
  const { loading } = parts;
  if (loading.has(id)) return;
  loading.add(id);
  load(parts, id).then(
    // A task that still comes without its result stays in the set. Otherwise it would be fetched again and again.
    (task) => isPartial(task) || loading.delete(id),
    // The next round fetches the result again.
    () => loading.delete(id),
  );
}

/**
 * Fetches the next older tasks. Reads on while a page holds only tasks that are known, {@link OLDER_PAGES} pages at most.
 * @throws TaskError
 */
export async function loadMore(parts: LoadParts): Promise<void> {
  const isCurrent = makeCurrentCheck(parts);
  let { cursor } = parts.state();
  for (let pages = 0; pages < OLDER_PAGES && cursor != null; pages++) {
    const older = await fetchPage(parts.http, 'all', cursor);
    if (!isCurrent()) return;
    const known = parts.state().list.tasks.length;
    parts.dispatch('olderRead', older);
    cursor = older.nextCursor;
    if (parts.state().list.tasks.length > known) return;
  }
}
