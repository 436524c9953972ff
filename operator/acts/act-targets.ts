/** Finds the tasks that an act is about: all of them for a preview, or the next ones on which to act. It serves `acts.ts`. */

import type { Backend } from '../../backend/backend.ts';
import { readEntries, type TaskEntry } from '../../backend/operator/task-entries.ts';
import type { Act, ActTarget } from '../../core/operator/acts.ts';
import type { TaskFilter } from '../../core/operator/tasks.ts';
import type { Status } from '../../core/tasks/snapshot.ts';
import type { SearchResult, TaskFinder } from '../data/task-finder.ts';
import { toRow } from '../data/task-row.ts';
import type { Preview } from './preview-store.ts';

/** How many tasks one call changes. */
const ACTED_AT_ONCE = 200;
/** How many records a preview reads at most, to count. */
const MOST_COUNTED = 10_000;
/** The statuses in which a task can be retried or cancelled. */
const STATUSES_FOR = {
  retry: ['failed', 'cancelled'],
  cancel: ['queued', 'running', 'retrying'],
} as const satisfies Record<string, readonly Status[]>;

export class ActTargets {
  readonly #redis: Backend['redis'];
  readonly #finder: TaskFinder;

  constructor(redis: Backend['redis'], finder: TaskFinder) {
    this.#redis = redis;
    this.#finder = finder;
  }

  /**
   * The tasks that an act would change now, and whether there are no more.
   * @param until tasks created at this time or later are left out @throws TaskError `store_unavailable`
   */
  async count(
    act: Act,
    target: ActTarget,
    until: string,
  ): Promise<{ readonly entries: readonly TaskEntry[]; readonly isComplete: boolean }> {
    if ('name' in target) return { entries: [], isComplete: true };
    if ('ids' in target) {
      const { entries } = await this.named(target.ids);
      return { entries: entries.filter((entry) => this.#isFor(act, entry)), isComplete: true };
    }
    const filter =
      'owner' in target
        ? { owner: target.owner }
        : { ...narrow(act, target.filter), until: earlier(target.filter.until, until) };
    const isWanted = (entry: TaskEntry) => act === 'forget' || this.#isFor(act, entry);
    const limits = { cursor: null, limit: MOST_COUNTED, most: MOST_COUNTED };
    const { entries, next } = await this.#finder.search({ filter, ...limits, isWanted });
    return { entries, isComplete: next === null };
  }

  /** The tasks with these ids, and those ids that are of none. @throws TaskError `store_unavailable` */
  async named(
    ids: readonly string[],
  ): Promise<{ readonly entries: readonly TaskEntry[]; readonly missing: readonly string[] }> {
    const entries = await readEntries(this.#redis, ids);
    return {
      entries: entries.filter((entry) => entry !== null),
      missing: ids.filter((_, n) => entries[n] === null),
    };
  }

  /** The next tasks of a filter on which to act, 200 at most. @throws TaskError `store_unavailable` */
  matching(act: Act, filter: TaskFilter, { until, cursor }: Pick<Preview, 'until' | 'cursor'>): Promise<SearchResult> {
    return this.#finder.search({
      filter: { ...narrow(act, filter), until: earlier(filter.until, until) },
      cursor,
      limit: ACTED_AT_ONCE,
      isWanted: (entry) => this.#isFor(act, entry),
    });
  }

  #isFor(act: Act, entry: TaskEntry): boolean {
    const row = toRow(entry, this.#finder.offered);
    return act === 'retry' ? row.canRetry : row.canCancel;
  }
}

/** The filter, for those statuses only in which the act is possible. */
function narrow(act: Act, filter: TaskFilter): TaskFilter {
  const possible: readonly Status[] = act === 'retry' ? STATUSES_FOR.retry : STATUSES_FOR.cancel;
  return { ...filter, status: possible.filter((status) => filter.status?.includes(status) ?? true) };
}

function earlier(a: string | undefined, b: string): string {
  return a !== undefined && a < b ? a : b;
}
