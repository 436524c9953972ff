/**
 * Finds tasks for the operator: by definition, status, owner, age and words of the error. It serves the lists and the acts.
 *
 * The index finds tasks by definition, status and age. The owner's own list finds them by owner. For all else, such as the words
 * of an error, or an owner's tasks of one status, records are read: at most 1,000 in one call of a list, 10,000 for a preview.
 * So a call costs about the same, however many tasks there are.
 *
 * The record is the truth. An id without a record is removed from the index, and a task at a wrong place in it is moved.
 */

import type { Backend } from '../../backend/backend.ts';
import { createdAt, type Found, IndexWalk, type WalkedSet } from '../../backend/operator/index-walk.ts';
import { OperatorKeys } from '../../backend/operator/operator-keys.ts';
import { readEntries, type TaskEntry } from '../../backend/operator/task-entries.ts';
import { INDEXED_AT_ONCE, indexTasks } from '../../backend/store/commands/operator/index-tasks.ts';
import type { OperatorTaskPage, TaskFilter } from '../../core/operator/tasks.ts';
import { STATUSES, type Status } from '../../core/tasks/snapshot.ts';
import { fits, toRow } from './task-row.ts';

/** How many records one search reads at most, unless it says otherwise. */
const MOST_READ = 1_000;
/** How many records are read in one round trip. */
const READ_AT_ONCE = 100;
/**
 * By how much the time in an id may be off. It is by the clock of the server that made the id, and `createdAt` in the record is
 * by Redis' clock. A search by age looks at so many ms more of the index, and then compares `createdAt`.
 */
const ID_CLOCK_MS = 60_000;
/** The statuses of tasks that have an error. */
const WITH_ERROR: readonly Status[] = ['retrying', 'failed'];

/** What to look for. */
export interface Search {
  readonly filter: TaskFilter;
  /** The id after which to go on; null to begin with the newest. */
  readonly cursor: string | null;
  /** How many tasks to find at most. */
  readonly limit: number;
  /** How many records to read at most. Default 1,000. */
  readonly mostRead?: number;
  /** A further condition. */
  readonly isWanted?: (entry: TaskEntry) => boolean;
}

/** What was found, the newest first. */
export interface SearchResult {
  readonly entries: readonly TaskEntry[];
  /** The cursor for the next search; null if all were looked at. */
  readonly next: string | null;
}

/** Finds tasks in the index and in the records. */
export class TaskFinder {
  readonly #redis: Backend['redis'];
  readonly #clock: Backend['clock'];
  readonly #workers: Backend['workers'];
  readonly #keys: OperatorKeys;
  /** The names of the definitions that may be retried here. */
  readonly offered: ReadonlySet<string>;

  constructor(backend: Pick<Backend, 'redis' | 'clock' | 'workers'>, offered: ReadonlySet<string>) {
    this.#redis = backend.redis;
    this.#clock = backend.clock;
    this.#workers = backend.workers;
    this.#keys = new OperatorKeys(backend.redis.keys.prefix);
    this.offered = offered;
  }

  /**
   * The names of all definitions: those that servers start, that workers handle, that have tasks, or that were paused. Sorted.
   * @throws TaskError `store_unavailable`
   */
  async listNames(): Promise<readonly string[]> {
    const [indexed, started, workers] = await Promise.all([
      this.#redis.send((client) => client.sMembers(this.#keys.names)),
      this.#redis.definitions(),
      this.#workers.list(),
    ]);
    return [...new Set([...indexed, ...started, ...workers.flatMap(({ names }) => names)])].sort();
  }

  /** One page of the operator's list. @throws TaskError `store_unavailable` */
  async readPage(filter: TaskFilter, cursor: string | null, limit: number): Promise<OperatorTaskPage> {
    const { entries, next } = await this.search({ filter, cursor, limit });
    return {
      time: this.#clock.iso(),
      tasks: entries.map((entry) => toRow(entry, this.offered)),
      nextCursor: next,
      lookedUntil: next === null ? null : new Date(createdAt(next)).toISOString(),
    };
  }

  /** Finds tasks, the newest first. @throws TaskError `store_unavailable` */
  async search({ filter, cursor, limit, mostRead = MOST_READ, isWanted = () => true }: Search): Promise<SearchResult> {
    const walk = new IndexWalk(this.#redis, await this.#setsOf(filter), {
      before: cursor,
      since: filter.since === undefined ? null : Date.parse(filter.since) - ID_CLOCK_MS,
      until: filter.until === undefined ? null : Date.parse(filter.until) + ID_CLOCK_MS,
    });
    const entries: TaskEntry[] = [];
    let last = cursor;
    for (let looked = 0; looked < mostRead && entries.length < limit; ) {
      // If the index knows the whole filter, nearly all that it finds fits, so no more is read than is still missing.
      const missing = isCoveredByIndex(filter) ? limit - entries.length : READ_AT_ONCE;
      const wanted = Math.min(READ_AT_ONCE, mostRead - looked, missing);
      const found = await walk.next(wanted);
      const read = await this.read(found);
      for (const [n, entry] of read.entries()) {
        if (entries.length === limit) break;
        last = found[n]?.id ?? last;
        if (entry !== null && fits(entry, filter) && isWanted(entry)) entries.push(entry);
      }
      looked += found.length;
      if (found.length < wanted && entries.length < limit) return { entries, next: null };
    }
    return { entries, next: last };
  }

  /**
   * Reads the records of what was found, and repairs the index where it was wrong.
   * @returns the entries in the same order; null for one without a record
   */
  async read(found: readonly Found[]): Promise<readonly (TaskEntry | null)[]> {
    const entries = await readEntries(
      this.#redis,
      found.map(({ id }) => id),
    );
    const gone = found.filter(({ set }, n) => entries[n] === null && set.status !== null);
    const misplaced = found.filter(({ set }, n) => {
      const entry = entries[n];
      return set.status !== null && entry != null && entry.snapshot.status !== set.status;
    });
    if (gone.length > 0) {
      await this.#redis.send((client) => Promise.all(gone.map(({ id, set }) => client.zRem(set.key, id))));
    }
    for (let n = 0; n < misplaced.length; n += INDEXED_AT_ONCE) {
      const ids = misplaced.slice(n, n + INDEXED_AT_ONCE).map(({ id }) => id);
      await indexTasks(this.#redis, ids);
    }
    return entries;
  }

  /** The oldest tasks of a definition that have this status, at most `count`. @throws TaskError `store_unavailable` */
  async findOldest(
    name: string,
    status: Status,
    count: number,
  ): Promise<{ readonly entries: readonly TaskEntry[]; readonly hasMore: boolean }> {
    const key = this.#keys.tasks(name, status);
    const ids = await this.#redis.send((client) => client.zRange(key, 0, count));
    const entries = await this.read(ids.slice(0, count).map((id) => ({ id, set: { key, status } })));
    return {
      entries: entries.filter((entry) => entry !== null && entry.snapshot.status === status) as TaskEntry[],
      hasMore: ids.length > count,
    };
  }

  /** The sets that have all tasks of a filter, and as few others as possible. */
  async #setsOf({ owner, name, status, error }: TaskFilter): Promise<readonly WalkedSet[]> {
    if (owner !== undefined) return [{ key: this.#redis.keys.all(owner), status: null }];
    const names = name === undefined ? await this.listNames() : [name];
    const statuses = (status ?? STATUSES).filter((one) => error === undefined || WITH_ERROR.includes(one));
    return names.flatMap((one) => statuses.map((of) => ({ key: this.#keys.tasks(one, of), status: of })));
  }
}

/** Whether the index knows all conditions of the filter. */
function isCoveredByIndex({ owner, error }: TaskFilter): boolean {
  return error === undefined && owner === undefined;
}
