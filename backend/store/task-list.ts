/**
 * Reads one page of an owner's tasks, in several reads if many of the listed ids have expired, and finds the places in line of
 * queued tasks. It serves the store.
 */

import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../../core/limits.ts';
import { type Snapshot, withPlace } from '../../core/tasks/snapshot.ts';
import type { ListState, TaskPage } from '../../core/wire.ts';
import type { CommandRunner } from './commands/define-command.ts';
import { findPlaces } from './commands/owner/find-places.ts';
import { listTasks } from './commands/owner/list-tasks.ts';
import { decodeListItem, unlessDamaged } from './record.ts';

/**
 * One read goes through up to 1,000 ids, and Redis serves others between two reads. So one page goes through 20,000 ids at
 * most. The next page goes on after them.
 */
const MAX_READS = 20;

/** Which tasks, and how many. */
export interface ListOptions {
  /** Default: `all`. */
  readonly state?: ListState;
  /** How many tasks, at most 100. Default: 20. */
  readonly limit?: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | null;
}

/**
 * The tasks of `owner`, newest first. If very many records have expired since the last call, a page may have fewer than
 * `limit` tasks although there are more: `nextCursor` says so. Damaged records are left out.
 * @throws TaskError `store_unavailable`
 */
export async function readTaskList(redis: CommandRunner, owner: string, options: ListOptions): Promise<TaskPage> {
  const limit = Math.min(options.limit ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
  const index = options.state ?? 'all';
  const tasks: Snapshot[] = [];
  let cursor = options.cursor ?? null;
  for (let read = 0; read < MAX_READS; read++) {
    const { found, next } = await listTasks(redis, { index, owner, limit: limit - tasks.length, cursor });
    for (const stored of found) {
      const task = unlessDamaged(
        () => decodeListItem(stored),
        () => redis.tellDamaged(null),
      );
      if (task !== null) tasks.push(task);
    }
    cursor = next;
    if (cursor === null || tasks.length >= limit) break;
  }
  return { tasks, nextCursor: cursor };
}

/**
 * The same tasks of `owner`; queued ones with their place in line, where it is known. One round trip for each definition that has
 * queued tasks among them, all at the same time.
 * @throws TaskError `store_unavailable`
 */
export async function addPlaces<S extends Snapshot>(
  redis: CommandRunner,
  owner: string,
  tasks: readonly S[],
): Promise<readonly S[]> {
  const queued = tasks.filter(({ status }) => status === 'queued');
  if (queued.length === 0) return tasks;
  const places = new Map<string, number | null>();
  await Promise.all(
    [...new Set(queued.map(({ name }) => name))].map(async (name) => {
      const ids = queued.filter((task) => task.name === name).map(({ id }) => id);
      const found = await findPlaces(redis, owner, name, ids);
      for (const [n, id] of ids.entries()) places.set(id, found[n] ?? null);
    }),
  );
  return tasks.map((task) => withPlace(task, places.get(task.id)));
}
