/**
 * Carries out the acts of operators: retry, cancel, forget, pause, resume. `preview` says what an act would do. Every act is told
 * to the log (`operator.acted`) and kept in the audit log. It serves `POST /api/acts`.
 *
 * An act on many tasks goes in steps of at most 200 tasks. Each call takes one step, and its answer has a token for the next one.
 * So no call takes long, and no other user of Redis has to wait.
 */

import type { Backend } from '../../backend/backend.ts';
import { AuditLog } from '../../backend/operator/audit-log.ts';
import { Pauses } from '../../backend/operator/pauses.ts';
import type { TaskEntry } from '../../backend/operator/task-entries.ts';
import { asTaskError } from '../../core/error.ts';
import type { Act, ActPreview, ActResult, ActTarget, AuditEntry } from '../../core/operator/acts.ts';
import { refusal } from '../../server/problem.ts';
import type { TaskOperations } from '../../server/tasks/operations.ts';
import type { TaskFinder } from '../data/task-finder.ts';
import { toRow } from '../data/task-row.ts';
import { ActTargets } from './act-targets.ts';
import { makeAuditEntry } from './audit-entry.ts';
import { createOwnerHash } from './owner-hash.ts';
import { type Preview, PreviewStore } from './preview-store.ts';

/** How many tasks are changed at the same time. */
const AT_THE_SAME_TIME = 10;
/** How many tasks a preview lists. */
const ROWS_SHOWN = 20;
/** How many refusals the answer to a step lists. */
const MOST_REFUSALS = 20;

export interface ActsOptions {
  readonly backend: Backend;
  readonly finder: TaskFinder;
  readonly operations: TaskOperations;
}

/** What one step has done. */
interface Step {
  /** How many tasks were changed or erased. */
  count: number;
  /** The tasks that were changed. Those that were erased are not among them. */
  readonly ids: string[];
  readonly refusals: { readonly id: string; readonly code: string; readonly detail: string }[];
}

/** Previews acts and carries them out. */
export class Acts {
  readonly #options: ActsOptions;
  readonly #targets: ActTargets;
  readonly #previews: PreviewStore;
  readonly #pauses: Pauses;
  readonly #audit: AuditLog;
  readonly #hashOwner: (owner: string) => string;

  constructor(options: ActsOptions) {
    const { backend, finder } = options;
    this.#options = options;
    this.#targets = new ActTargets(backend.redis, finder);
    this.#previews = new PreviewStore(backend.redis);
    this.#pauses = new Pauses(backend.redis);
    this.#audit = new AuditLog(backend.redis);
    this.#hashOwner = createOwnerHash(backend.pusher.secret);
  }

  /** One page of the audit log. @throws TaskError `store_unavailable` */
  readAudit(limit: number, cursor: number): ReturnType<AuditLog['readPage']> {
    return this.#audit.readPage(limit, cursor);
  }

  /** Says what an act would do, and changes nothing. @throws TaskError `store_unavailable` */
  async preview(act: Act, target: ActTarget, who: string | null): Promise<ActPreview> {
    const until = this.#options.backend.clock.iso();
    const { entries, isComplete } = await this.#targets.findAll(act, target, until);
    return {
      act,
      count: entries.length,
      isCountComplete: isComplete,
      tasks: entries.slice(0, ROWS_SHOWN).map((entry) => toRow(entry, this.#options.finder.offered)),
      token: await this.#previews.keep({ act, target, who, until, cursor: null, told: null }),
    };
  }

  /**
   * Takes the next step of the act that was previewed.
   * @param token of the preview, or of the step before
   * @throws TaskError `preview_expired` (409), `invalid_act` (422) for a definition that does not exist, `store_unavailable`
   */
  async carryOut(act: Act, token: unknown, who: string | null): Promise<ActResult> {
    return this.#perform(await this.#previews.take(token, act, who));
  }

  /**
   * Carries an act out without a preview.
   * @throws TaskError `invalid_act` (422) where a preview is needed, or for a definition that does not exist; `store_unavailable`
   */
  async act(act: Act, target: ActTarget, who: string | null): Promise<ActResult> {
    if ('filter' in target || 'owner' in target) {
      throw refusal('invalid_act', 'This act needs a preview: send it with preview: true, then with the token.', 422);
    }
    return this.#perform({ act, target, who, until: this.#options.backend.clock.iso(), cursor: null, told: null });
  }

  async #perform(preview: Preview): Promise<ActResult> {
    const step: Step = { count: 0, ids: [], refusals: [] };
    let next: Pick<Preview, 'cursor'> | null;
    let told: AuditEntry;
    try {
      next = await this.#takeStep(preview, step);
    } finally {
      // If Redis went away half-way, what was done until then is told, too.
      told = await this.#tell(preview, step);
    }
    return {
      act: preview.act,
      done: step.count,
      refused: step.refusals.length,
      refusals: step.refusals.slice(0, MOST_REFUSALS),
      next: next && (await this.#previews.keep({ ...preview, ...next, told })),
    };
  }

  /**
   * @param step is filled with what was done, so the caller has it even if this rejects
   * @returns where the next step goes on; null after the last step
   */
  async #takeStep({ act, target, who, ...from }: Preview, step: Step): Promise<Pick<Preview, 'cursor'> | null> {
    if ('name' in target) await this.#pauseOrResume(act, target.name, who);
    else if ('owner' in target) {
      const { count, isDone } = await this.#options.backend.changes.forgetSome(target.owner, from.told?.done ?? 0);
      step.count = count;
      return isDone ? null : { cursor: null };
    } else if ('ids' in target) {
      const { entries, missing } = await this.#targets.findByIds(target.ids);
      for (const id of missing) step.refusals.push({ id, code: 'not_found', detail: 'There is no such task.' });
      await this.#actOn(act, entries, step);
    } else {
      const { entries, next } = await this.#targets.findNext(act, target.filter, from);
      await this.#actOn(act, entries, step);
      return next === null ? null : { cursor: next };
    }
    return null;
  }

  async #pauseOrResume(act: Act, name: string, who: string | null): Promise<void> {
    // A definition may have been removed while it was paused. No list names it then, but it can still be resumed.
    if (act === 'resume' && (await this.#pauses.resume(name))) return;
    if (!(await this.#options.finder.listNames()).includes(name)) {
      throw refusal('invalid_act', 'There is no definition of this name.', 422);
    }
    if (act === 'pause') await this.#pauses.pause(name, { since: this.#options.backend.clock.iso(), who });
  }

  /** Retries or cancels these tasks, and fills `step`. Rejects only for an error of status 500 or more: Redis is away. */
  async #actOn(act: Act, entries: readonly TaskEntry[], step: Step): Promise<void> {
    const { operations } = this.#options;
    for (let n = 0; n < entries.length; n += AT_THE_SAME_TIME) {
      await Promise.all(
        entries.slice(n, n + AT_THE_SAME_TIME).map(async ({ id, owner, retriedBy }) => {
          try {
            if (act === 'cancel') await operations.cancel(owner, id);
            else if (retriedBy === null) await operations.retry(owner, id);
            else throw refusal('not_retryable', 'This task was retried before.', 409);
            step.ids.push(id);
            step.count += 1;
          } catch (thrown) {
            const error = asTaskError(thrown);
            if (error.status >= 500) throw error;
            step.refusals.push({ id, code: error.code, detail: error.message });
          }
        }),
      );
    }
  }

  /** Tells the log of this step, and brings the act's entry in the audit log up to date. */
  async #tell(preview: Preview, { count: done, ids, refusals }: Step): Promise<AuditEntry> {
    const { backend } = this.#options;
    const refused = refusals.length;
    const entry = makeAuditEntry(preview, { at: backend.clock.iso(), done, refused, ids }, this.#hashOwner);
    const { who, act, name } = entry;
    backend.events.emit('operator.acted', () => ({ who, act, name, done, refused, tasks: ids }));
    // While Redis is away the entry is only in the log.
    await this.#audit.add(entry, preview.told).catch(() => undefined);
    return entry;
  }
}
