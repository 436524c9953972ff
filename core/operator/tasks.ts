/** Lists of tasks for the operator: which tasks, and their rows. It serves `operator/data/` and `operator/page/`. */

import type { Progress, Status } from '../tasks/snapshot.ts';

/** Which tasks a list or an act is about: those that meet all given conditions. In a query, each is a parameter of this name. */
export interface TaskFilter {
  /** One or more; in a query separated by commas. */
  readonly status?: readonly Status[];
  /** The name of a definition. */
  readonly name?: string;
  /** Exactly this owner. */
  readonly owner?: string;
  /** Created at this time or later, ISO 8601. */
  readonly since?: string;
  /** Created before this time, ISO 8601. */
  readonly until?: string;
  /** Words of the error's code or message, in any order and case, at most 200 characters. Only tasks that have an error. */
  readonly error?: string;
}

/** Answer of `GET /api/tasks`: the newest first. */
export interface OperatorTaskPage {
  /** When it was read. */
  readonly time: string;
  readonly tasks: readonly TaskRow[];
  /**
   * Pass it as `cursor`; null on the last page. With `owner` or `error`, a call looks at no more than 1,000 tasks. So a page may
   * be short or empty and still have a cursor: go on, and show how far the call has looked ({@link lookedUntil}).
   */
  readonly nextCursor: string | null;
  /** All tasks created after this time were looked at; null on the last page. */
  readonly lookedUntil: string | null;
}

/** A task in a list. */
export interface TaskRow {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly title: string;
  readonly status: Status;
  readonly attempt: number;
  readonly attempts: number;
  /** Without its note. */
  readonly progress: Omit<Progress, 'note'> | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly updatedAt: string;
  readonly finishedAt: string | null;
  readonly signOfLifeAt: string | null;
  /** When it is to start or to be tried again; null for at once, or if it does not wait. */
  readonly dueAt: string | null;
  readonly seenAt: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly revision: number;
  /** What the operator may do with it now. */
  readonly canCancel: boolean;
  readonly canRetry: boolean;
}
