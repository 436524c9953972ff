/**
 * Does what an operator asks for: retry, cancel, forget, pause, resume; first as a preview. Every act is told to the log
 * (`operator.acted`) and kept in the list of acts. It serves `POST /api/acts`.
 */

import type { Backend } from '../../backend/backend.ts';
import { AuditList } from '../../backend/operator/audit-list.ts';
import { Pauses } from '../../backend/operator/pauses.ts';
import { readEntries, type TaskEntry } from '../../backend/operator/task-entries.ts';
import { asTaskError } from '../../core/error.ts';
import type { Act, ActPreview, ActResult, ActTarget, AuditEntry, TaskFilter } from '../../core/operator-api.ts';
import type { Status } from '../../core/tasks/snapshot.ts';
import { refusal } from '../../server/problem.ts';
import type { TaskOperations } from '../../server/tasks/operations.ts';
import type { TaskFinder } from '../data/task-finder.ts';
import { toRow } from '../data/task-row.ts';
import { auditEntry } from './audit-entry.ts';
import { type Preview, PreviewStore } from './preview-store.ts';

/** How many tasks one call changes, and how many at the same time. */
const ACTED_AT_ONCE = 200;
const AT_THE_SAME_TIME = 10;
/** How many records a preview reads at most, to count. */
const MOST_COUNTED = 10_000;
const ROWS_SHOWN = 20;
const MOST_REFUSALS = 20;
/** The statuses in which a task can be retried or cancelled. */
const STATUSES_FOR = {
  retry: ['failed', 'cancelled'],
  cancel: ['queued', 'running', 'retrying'],
} as const satisfies Record<string, readonly Status[]>;

export interface ActsOptions {
  readonly backend: Backend;
  readonly finder: TaskFinder;
  readonly operations: TaskOperations;
}

/** What became of each task. */
interface Outcomes {
  readonly done: string[];
  readonly refusals: { readonly id: string; readonly code: string; readonly detail: string }[];
}

export class Acts {
  readonly #options: ActsOptions;
  readonly #previews: PreviewStore;
  readonly #pauses: Pauses;
  readonly #audit: AuditList;

  constructor(options: ActsOptions) {
    this.#options = options;
    this.#previews = new PreviewStore(options.backend.redis);
    this.#pauses = new Pauses(options.backend.redis);
    this.#audit = new AuditList(options.backend.redis);
  }

  /** What operators have done. @throws TaskError `store_unavailable` */
  audit(limit: number, cursor: number): ReturnType<AuditList['page']> {
    return this.#audit.page(limit, cursor);
  }

  /** What an act would do. @throws TaskError `invalid_act` (422), `store_unavailable` */
  async preview(act: Act, target: ActTarget, who: string | null): Promise<ActPreview> {
    const until = this.#options.backend.clock.iso();
    const { entries, isComplete } = await this.#count(act, target, until);
    return {
      act,
      count: entries.length,
      isCountComplete: isComplete,
      tasks: entries.slice(0, ROWS_SHOWN).map((entry) => toRow(entry, this.#options.finder.offered)),
      token: await this.#previews.keep({ act, target, who, until, cursor: null }),
    };
  }

  /** Carries out what was previewed, or a part of it. @throws TaskError `preview_expired` (409), `store_unavailable` */
  async carryOut(act: Act, token: unknown, who: string | null): Promise<ActResult> {
    return this.#perform(await this.#previews.take(token, act, who));
  }

  /** Acts without a preview. @throws TaskError `invalid_act` (422) where one is needed, `store_unavailable` */
  async act(act: Act, target: ActTarget, who: string | null): Promise<ActResult> {
    if ('filter' in target || 'owner' in target) {
      throw refusal('invalid_act', 'This act needs a preview: send it with preview: true, then with the token.', 422);
    }
    return this.#perform({ act, target, who, until: this.#options.backend.clock.iso(), cursor: null });
  }

  async #perform(preview: Preview): Promise<ActResult> {
    const { act, target, who } = preview;
    const outcomes: Outcomes = { done: [], refusals: [] };
    let next: string | null = null;
    let forgotten = 0;
    try {
      if ('name' in target) await this.#pauseOrResume(act, target.name, who);
      else if ('owner' in target) forgotten = await this.#options.backend.changes.forget(target.owner);
      else if ('ids' in target) await this.#actOn(act, await this.#entriesOf(target.ids, outcomes), outcomes);
      else {
        const { entries, next: cursor } = await this.#matching(act, target.filter, preview);
        await this.#actOn(act, entries, outcomes);
        if (cursor !== null) next = await this.#previews.keep({ ...preview, cursor });
      }
    } finally {
      // Also if Redis went away half-way: what was done is told.
      await this.#tell(
        auditEntry(preview, {
          at: this.#options.backend.clock.iso(),
          done: outcomes.done.length + forgotten,
          refused: outcomes.refusals.length,
          ids: outcomes.done,
        }),
      );
    }
    const refusals = outcomes.refusals.slice(0, MOST_REFUSALS);
    return { act, done: outcomes.done.length + forgotten, refused: outcomes.refusals.length, refusals, next };
  }

  async #pauseOrResume(act: Act, name: string, who: string | null): Promise<void> {
    if (!(await this.#options.finder.names()).includes(name)) {
      throw refusal('invalid_act', 'There is no definition of this name.', 422);
    }
    if (act === 'pause') await this.#pauses.pause(name, { since: this.#options.backend.clock.iso(), who });
    else await this.#pauses.resume(name);
  }

  /** Retries or cancels these tasks. Only an absent Redis makes it reject. */
  async #actOn(act: Act, entries: readonly TaskEntry[], { done, refusals }: Outcomes): Promise<void> {
    const { operations } = this.#options;
    for (let n = 0; n < entries.length; n += AT_THE_SAME_TIME) {
      await Promise.all(
        entries.slice(n, n + AT_THE_SAME_TIME).map(async ({ id, owner, retriedBy }) => {
          try {
            if (act === 'cancel') await operations.cancel(owner, id);
            else if (retriedBy === null) await operations.retry(owner, id);
            else throw refusal('not_retryable', 'This task was retried before.', 409);
            done.push(id);
          } catch (thrown) {
            const error = asTaskError(thrown);
            if (error.status >= 500) throw error;
            refusals.push({ id, code: error.code, detail: error.message });
          }
        }),
      );
    }
  }

  async #entriesOf(ids: readonly string[], { refusals }: Outcomes): Promise<readonly TaskEntry[]> {
    const entries = await readEntries(this.#options.backend.redis, ids);
    for (const [n, entry] of entries.entries()) {
      const id = ids[n] as string;
      if (entry === null) refusals.push({ id, code: 'not_found', detail: 'There is no such task.' });
    }
    return entries.filter((entry) => entry !== null);
  }

  async #count(
    act: Act,
    target: ActTarget,
    until: string,
  ): Promise<{ readonly entries: readonly TaskEntry[]; readonly isComplete: boolean }> {
    if ('name' in target) return { entries: [], isComplete: true };
    if ('ids' in target) {
      const entries = await this.#entriesOf(target.ids, { done: [], refusals: [] });
      return { entries: entries.filter((entry) => this.#isFor(act, entry)), isComplete: true };
    }
    const search =
      'owner' in target
        ? { filter: { owner: target.owner }, cursor: null }
        : { filter: { ...this.#narrow(act, target.filter), until: earlier(target.filter.until, until) }, cursor: null };
    const isWanted = (entry: TaskEntry) => act === 'forget' || this.#isFor(act, entry);
    const most = { limit: MOST_COUNTED, most: MOST_COUNTED };
    const { entries, next } = await this.#options.finder.search({ ...search, ...most, isWanted });
    return { entries, isComplete: next === null };
  }

  /** The next tasks of a filter on which to act. */
  #matching(act: Act, filter: TaskFilter, { until, cursor }: Preview): ReturnType<TaskFinder['search']> {
    return this.#options.finder.search({
      filter: { ...this.#narrow(act, filter), until: earlier(filter.until, until) },
      cursor,
      limit: ACTED_AT_ONCE,
      isWanted: (entry) => this.#isFor(act, entry),
    });
  }

  /** The filter, for those statuses only in which the act is possible. */
  #narrow(act: Act, filter: TaskFilter): TaskFilter {
    const possible: readonly Status[] = act === 'retry' ? STATUSES_FOR.retry : STATUSES_FOR.cancel;
    return { ...filter, status: possible.filter((status) => filter.status?.includes(status) ?? true) };
  }

  #isFor(act: Act, entry: TaskEntry): boolean {
    const row = toRow(entry, this.#options.finder.offered);
    return act === 'retry' ? row.canRetry : row.canCancel;
  }

  async #tell(entry: AuditEntry): Promise<void> {
    const { who, act, name, done, refused, ids } = entry;
    this.#options.backend.events.emit('operator.acted', () => ({ who, act, name, done, refused, tasks: ids }));
    // Without Redis the log has it.
    await this.#audit.add(entry).catch(() => undefined);
  }
}

function earlier(a: string | undefined, b: string): string {
  return a !== undefined && a < b ? a : b;
}
