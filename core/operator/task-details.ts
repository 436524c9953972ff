/** All that the operator sees of one task: its story, its facts, its payload. It serves `operator/data/` and `operator/page/`. */

import type { Children, Outcome } from '../tasks/snapshot.ts';
import type { StuckReason } from './stuck.ts';
import type { TaskRow } from './tasks.ts';

/** Answer of `GET /api/tasks/:id`. */
export interface TaskDetails {
  /** When it was read. */
  readonly time: string;
  readonly task: TaskRow;
  /** The oldest entry first, at most 100. What happened before the operator's page was mounted has no entry. */
  readonly story: readonly StoryEntry[];
  /** Whether earlier entries of the story were dropped, or are missing because the operator's page was not mounted then. */
  readonly isStoryCut: boolean;
  /** Why it does not go on, as far as is known; null if it does. */
  readonly stuck: StuckReason | null;
  readonly facts: TaskFacts;
  /** Null unless the application has asked for payloads. JSON texts, each cut at 65,536 characters; `note` is no JSON. */
  readonly payload: {
    readonly input: string | null;
    readonly result: string | null;
    readonly checkpoint: string | null;
    readonly note: string | null;
  } | null;
}

/** What else is known of a task. */
export interface TaskFacts {
  /** How often it was given to a worker. */
  readonly runs: number;
  /** The worker that runs it; null if none does. */
  readonly worker: { readonly id: string; readonly isAlive: boolean; readonly blockedSeconds: number } | null;
  /** How many tasks start before it; null if it does not wait in line, or that is not known. */
  readonly ahead: number | null;
  /** The gate of its concurrency key, by the name `<definition>:<hash of the key>`; null if it has no such key. */
  readonly gate: { readonly name: string; readonly limit: number } | null;
  readonly parent: string | null;
  readonly children: Children | null;
  /** The task that was retried with this one. */
  readonly retryOf: string | null;
  /** The task that tries this one again. */
  readonly retriedBy: string | null;
  /** Whether its last push that must not be lost (a new task, an outcome) is not known to have left. */
  readonly isUnpushed: boolean;
  /** How many crashes of workers count against it. */
  readonly crashes: number;
}

/**
 * What happened to a task.
 * - `accepted`: stored and queued
 * - `started`: an attempt began, by `worker`
 * - `failed-attempt`: an attempt failed (`code`), and the next one is due at `dueAt`
 * - `crashed`: the worker that ran it died (`code`), and it is tried again
 * - `handed-back`: its worker stopped, or died of another task; the same attempt starts again
 * - `waits-for-children`: its handler has returned
 * - `cancelling`: it was cancelled: its handler is told to stop, or the children that it waits for are cancelled
 * - `succeeded`, `failed`, `cancelled`: its outcome
 * - `pushed`: the bus took the push of the new task or of the outcome, or it needs no push any more: the bus refused it for good,
 *   or a later push has told more
 * - `seen`: its owner saw the outcome
 */
export type StoryType =
  | 'accepted'
  | 'started'
  | 'failed-attempt'
  | 'crashed'
  | 'handed-back'
  | 'waits-for-children'
  | 'cancelling'
  | Outcome
  | 'pushed'
  | 'seen';

/** One entry of a task's story. */
export interface StoryEntry {
  readonly at: string;
  readonly type: StoryType;
  /** 0 before the first one. */
  readonly attempt: number;
  /** Of the error; null without one. */
  readonly code: string | null;
  /** The id of the worker; null where none is meant. */
  readonly worker: string | null;
  /** When the next attempt is due; null where there is none. */
  readonly dueAt: string | null;
}
