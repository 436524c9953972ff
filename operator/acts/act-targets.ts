/** Finds the tasks that an act is about: all of them for a preview, or those of its next step. It serves `acts.ts`. */

import type { Backend } from '../../backend/backend.ts';
import { readEntries, type TaskEntry } from '../../backend/operator/task-entries.ts';
import type { Act, ActTarget } from '../../core/operator/acts.ts';
import type { TaskFilter } from '../../core/operator/tasks.ts';
import { STATUSES } from '../../core/tasks/snapshot.ts';
import { canCancel, canRetry } from '../../core/tasks/transition.ts';
import type { SearchResult, TaskFinder } from '../data/task-finder.ts';
import { toRow } from '../data/task-row.ts';
import type { Preview } from './preview-store.ts';

/** How many tasks one step changes at most. */
const STEP_SIZE = 200;
/** How many records a preview reads at most, to count. */
const MOST_COUNTED = 10_000;

/** The search for the tasks of an act. `forget` has no steps here: `TaskChanges.forgetSome` removes them. */
export class ActTargets {
  readonly #redis: Backend['redis'];
  readonly #finder: TaskFinder;

  constructor(redis: Backend['redis'], finder: TaskFinder) {
    this.#redis = redis;
    this.#finder = finder;
  }

  /**
   * The tasks that an act would change now. `isComplete` is false if there may be more: only 10,000 records are read.
   * @param until tasks created at this time or later are left out of a filter; ISO 8601
   * @throws TaskError `store_unavailable`
   */
  async findAll(
    act: Act,
    target: ActTarget,
    until: string,
  ): Promise<{ readonly entries: readonly TaskEntry[]; readonly isComplete: boolean }> {
    if ('name' in target) return { entries: [], isComplete: true };
    if ('ids' in target) {
      const { entries } = await this.findByIds(target.ids);
      return { entries: entries.filter((entry) => this.#canTake(act, entry)), isComplete: true };
    }
    const filter =
      'owner' in target
        ? { owner: target.owner }
        : { ...narrow(act, target.filter), until: earlier(target.filter.until, until) };
    const isWanted = (entry: TaskEntry) => act === 'forget' || this.#canTake(act, entry);
    const limits = { cursor: null, limit: MOST_COUNTED, mostRead: MOST_COUNTED };
    const { entries, next } = await this.#finder.search({ filter, ...limits, isWanted });
    return { entries, isComplete: next === null };
  }

  /** The tasks with these ids. `missing`: the ids of which there is no task. @throws TaskError `store_unavailable` */
  async findByIds(
    ids: readonly string[],
  ): Promise<{ readonly entries: readonly TaskEntry[]; readonly missing: readonly string[] }> {
    const entries = await readEntries(this.#redis, ids);
    return {
      entries: entries.filter((entry) => entry !== null),
      missing: ids.filter((_, n) => entries[n] === null),
    };
  }

  /** The tasks of a filter that the next step changes, 200 at most. @throws TaskError `store_unavailable` */
  findNext(act: Act, filter: TaskFilter, { until, cursor }: Pick<Preview, 'until' | 'cursor'>): Promise<SearchResult> {
    return this.#finder.search({
      filter: { ...narrow(act, filter), until: earlier(filter.until, until) },
      cursor,
      limit: STEP_SIZE,
      isWanted: (entry) => this.#canTake(act, entry),
    });
  }

  /** Whether this task can be retried, or for any other act cancelled. */
  #canTake(act: Act, entry: TaskEntry): boolean {
    const row = toRow(entry, this.#finder.offered);
    return act === 'retry' ? row.canRetry : row.canCancel;
  }
}

/** The filter, limited to the statuses in which the act is possible. */
function narrow(act: Act, filter: TaskFilter): TaskFilter {
  const possible = STATUSES.filter(act === 'retry' ? canRetry : canCancel);
  return { ...filter, status: possible.filter((status) => filter.status?.includes(status) ?? true) };
}

function earlier(a: string | undefined, b: string): string {
  return a !== undefined && a < b ? a : b;
}
