/**
 * What an operator does, its preview and its result, and the audit log of what operators have done. It serves
 * `operator/acts/` and `operator/page/`.
 */

import type { TaskFilter, TaskRow } from './tasks.ts';

/** What an operator may do. `forget` erases a user: all their tasks, whatever the status. */
export const ACTS = ['retry', 'cancel', 'forget', 'pause', 'resume'] as const;
/** See {@link ACTS}. */
export type Act = (typeof ACTS)[number];

/** What an act is about. */
export type ActTarget =
  /** `retry` and `cancel`: these tasks, at most 100. */
  | { readonly ids: readonly string[] }
  /** `retry` and `cancel`: all tasks that match now. The filter has at least one condition. */
  | { readonly filter: TaskFilter }
  /** `forget`: this user. */
  | { readonly owner: string }
  /** `pause` and `resume`: the name of a definition. */
  | { readonly name: string };

/**
 * Body of `POST /api/acts`. First `{act, target, preview: true}`, which changes nothing; then `{act, token}` with the
 * token of the preview. `pause`, `resume`, and acts on `ids` also go without a preview: `{act, target}`.
 */
export type ActRequest =
  | { readonly act: Act; readonly target: ActTarget; readonly preview?: boolean }
  | { readonly act: Act; readonly token: string };

/** What an act would do. */
export interface ActPreview {
  readonly act: Act;
  /** How many tasks it would change, as far as they were counted: 10,000 at most. 0 for `pause` and `resume`. */
  readonly count: number;
  /** False: there may be more than `count`. The act goes on until all are done. */
  readonly isCountComplete: boolean;
  /** The first 20 of them. */
  readonly tasks: readonly TaskRow[];
  /**
   * Starts the act, as `token` of the second call; valid for 10 minutes. Tasks that were created after the preview are left
   * out, except by `forget`, which erases them, too.
   */
  readonly token: string;
}

/** What one call has done of an act: it changes or erases at most 200 tasks. */
export interface ActResult {
  readonly act: Act;
  /** How many tasks were changed by this call. */
  readonly done: number;
  /** How many tasks could not be changed: they had ended, for example, or had been retried. */
  readonly refused: number;
  /** The first 20 of the refused. `code` as in the protocol: `not_cancellable`, `not_retryable`, `too_many_tasks`, … */
  readonly refusals: readonly { readonly id: string; readonly code: string; readonly detail: string }[];
  /** Call again with `{act, token: next}`; null when all are done. */
  readonly next: string | null;
}

/** Answer of `GET /api/audit`: the newest first. At most the last 1,000 are kept. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly nextCursor: string | null;
}

/** What an operator has done. An act on many tasks has one entry, which counts all of its calls so far. */
export interface AuditEntry {
  readonly at: string;
  /** The operator, as the option `allow` names them; null if it names nobody. */
  readonly who: string | null;
  readonly act: Act;
  /** The definition; null for acts on other targets. */
  readonly name: string | null;
  /** The filter of a bulk act, without its owner; null for others. */
  readonly filter: TaskFilter | null;
  /** Of `forget`, or a filter by owner: a keyed hash of the owner, 16 hex digits, since the user is to be forgotten. */
  readonly owner: string | null;
  /** How many tasks were changed. */
  readonly done: number;
  readonly refused: number;
  /** The first 100 of the changed tasks. Erased ones are not named. */
  readonly ids: readonly string[];
}
