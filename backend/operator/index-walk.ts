/**
 * Walks through the ids of tasks, the newest first, without reading their records. It serves the operator's lists and acts.
 *
 * The index has one set for each definition and status. A set is sorted by id, and so by time of creation, since ids are UUIDs
 * of version 7. A walk over several sets merges them: it takes the newest id of all, then the next one, and so on. It reads
 * each set in portions, so a page costs the same over a thousand tasks as over millions.
 */

import type { Status } from '../../core/tasks/snapshot.ts';
import type { CommandRunner } from '../store/commands/define-command.ts';

/**
 * How many ids are read at once from each set. From 30 sets on it is 10, since 100 ids of each would be 3,000 or more for
 * one page.
 */
const PORTION = 100;
const SMALL_PORTION = 10;
const MANY_SETS = 30;

/** Which part of the sets is walked. */
export interface WalkRange {
  /** Only ids older than this one; null from the newest on. */
  readonly before: string | null;
  /** Only tasks created at this time or later, in ms; null for no limit. */
  readonly since: number | null;
  /** Only tasks created before this time, in ms; null for no limit. */
  readonly until: number | null;
}

/** A set of ids, all with score 0. */
export interface WalkedSet {
  readonly key: string;
  /** The status that the tasks in it have, unless the index is wrong (index-scripts.ts); null if they may have any. */
  readonly status: Status | null;
}

/** An id, and the set in which it was found. */
export interface Found {
  readonly id: string;
  readonly set: WalkedSet;
}

/** How far the walk is in one set. */
interface Source {
  readonly set: WalkedSet;
  /** The portion that was read last. */
  ids: readonly string[];
  /** The index in `ids` of the next id. */
  at: number;
  /** Whether the set has no ids beyond `ids`. */
  isAtEnd: boolean;
}

/** One walk through some sets of the index. Each call of `next` goes on where the one before has ended. */
export class IndexWalk {
  readonly #redis: Pick<CommandRunner, 'send'>;
  readonly #sources: readonly Source[];
  readonly #portion: number;
  /** The ends of the range, as ZRANGE takes them: `(` leaves the id itself out, `[` takes it in, `+` and `-` are no limit. */
  readonly #newest: string;
  readonly #oldest: string;

  constructor(redis: Pick<CommandRunner, 'send'>, sets: readonly WalkedSet[], { before, since, until }: WalkRange) {
    this.#redis = redis;
    this.#sources = sets.map((set) => ({ set, ids: [], at: 0, isAtEnd: false }));
    this.#portion = sets.length >= MANY_SETS ? SMALL_PORTION : PORTION;
    // Both limits hold, so the walk begins below the smaller one.
    const limits = [before, until === null ? null : firstIdAt(until)].filter((id) => id !== null);
    this.#newest = limits.length === 0 ? '+' : `(${limits.sort()[0]}`;
    this.#oldest = since === null ? '-' : `[${firstIdAt(since)}`;
  }

  /** The next ids, at most `count`, the newest first. Fewer only at the end. @throws TaskError `store_unavailable` */
  async next(count: number): Promise<readonly Found[]> {
    const found: Found[] = [];
    while (found.length < count) {
      await this.#refill();
      let newest: Source | null = null;
      for (const source of this.#sources) {
        const id = source.ids[source.at];
        if (id !== undefined && (newest === null || id > (newest.ids[newest.at] as string))) newest = source;
      }
      if (newest === null) break;
      found.push({ id: newest.ids[newest.at] as string, set: newest.set });
      newest.at += 1;
    }
    return found;
  }

  /** Reads on in each set whose ids are used up, in one round trip. */
  async #refill(): Promise<void> {
    const empty = this.#sources.filter(({ ids, at, isAtEnd }) => at >= ids.length && !isAtEnd);
    if (empty.length === 0) return;
    const portions = await this.#redis.send((client) =>
      Promise.all(
        empty.map(({ set, ids }) => {
          const last = ids.at(-1);
          const from = last === undefined ? this.#newest : `(${last}`;
          const options = { BY: 'LEX', REV: true, LIMIT: { offset: 0, count: this.#portion } } as const;
          return client.zRange(set.key, from, this.#oldest, options);
        }),
      ),
    );
    for (const [n, source] of empty.entries()) {
      const ids = portions[n] ?? [];
      source.isAtEnd = ids.length < this.#portion;
      source.ids = ids;
      source.at = 0;
    }
  }
}

/**
 * The beginning that the ids of tasks created at `ms` have in common. It sorts before all of them. A UUID of version 7 begins
 * with its time: 12 hex digits that count ms since 1970.
 */
function firstIdAt(ms: number): string {
  const hex = Math.max(Math.trunc(ms), 0).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}`;
}

/** When the task with this id was created, in ms since 1970. */
export function createdAt(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
