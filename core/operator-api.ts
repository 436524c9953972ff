/**
 * What the operator's page and its server say to each other, in one file. It serves `operator/api/` and `operator/page/`.
 *
 * All calls are below the path at which the router is mounted (`/operator`, say). Whoever `allow` refuses gets 404 for all.
 *
 * | call | answer |
 * |---|---|
 * | `GET /` and the files of the page | the page (`operator/page/`) |
 * | `GET /api/session` | 200 {@link OperatorSession} |
 * | `GET /api/overview` | 200 {@link Overview} |
 * | `GET /api/tasks?…` | 200 {@link OperatorTaskPage}; the query: {@link TaskFilter}, `limit` (1 to 100, default 50), `cursor` |
 * | `GET /api/tasks/:id` | 200 {@link TaskDetails}, 404 `not_found` |
 * | `GET /api/stuck` | 200 {@link StuckReport} |
 * | `GET /api/audit?cursor=&limit=` | 200 {@link AuditPage} |
 * | `POST /api/acts` {@link ActRequest} | 200 {@link ActPreview} with `preview: true`, else 200 {@link ActResult} |
 * | `GET /api/live?task=<id>` | 200 `text/event-stream`: {@link LiveEvents}; 503 with `Retry-After` over the limit of streams |
 *
 * Errors are `Problem` (wire.ts), as `application/problem+json`. While Redis is away every call answers 503. An act may
 * be refused with 403 `view_only`, 403 `cross_site`, 409 `preview_expired` or 422 `invalid_act`. Times are ISO 8601 in
 * UTC by Redis' clock. Texts are text, never markup, and may be hostile. No answer has an input, a result, a checkpoint
 * or a note, unless the application has asked for them (`payloads: true`).
 */

import type { Children, Outcome, Progress, Status } from './tasks/snapshot.ts';

/** What an operator may do: look, or look and act. */
export type OperatorRole = 'view' | 'act';

/** Answer of `GET /api/session`. */
export interface OperatorSession {
  readonly role: OperatorRole;
  /** Who the operator is, as `allow` says; null if it does not say. */
  readonly who: string | null;
  /** Whether {@link TaskDetails} have `payload`. */
  readonly payloads: boolean;
  /** The acts that this operator may do: none for `view`. */
  readonly acts: readonly Act[];
}

/** Answer of `GET /api/overview`. One server asks Redis at most once a second for it, however many operators look. */
export interface Overview {
  /** When it was read. */
  readonly time: string;
  /** By name. All that servers start, and all that workers handle. */
  readonly definitions: readonly DefinitionOverview[];
  /** Those that are alive, then dead ones whose tasks are being recovered. At most 200. */
  readonly workers: readonly WorkerOverview[];
  /** How many workers there are. */
  readonly workerCount: number;
  readonly bus: BusOverview;
  /** The tasks that were stored before the operator was first mounted are indexed in steps. `isComplete`: that is done. */
  readonly index: { readonly isComplete: boolean };
  /** How many things are stuck, over all reasons: `StuckReport.items.length`. */
  readonly stuck: number;
}

/** A definition. */
export interface DefinitionOverview {
  readonly name: string;
  /** How many tasks have each status now. Ended ones as long as they are kept. About right: expired ones leave later. */
  readonly counts: Readonly<Record<Status, number>>;
  /**
   * The line: how many wait for a worker. Not those that start later, nor those that wait for an attempt or for their
   * gate.
   */
  readonly line: number;
  /** When the oldest task that is `queued` was created; null if there is none. */
  readonly oldestQueuedAt: string | null;
  /** Set while workers take no task of it. */
  readonly paused: { readonly since: string; readonly who: string | null } | null;
  /** How many living workers handle it. */
  readonly workers: number;
  /**
   * How many tasks of it ended in each of the last 60 minutes, the oldest first, the minute under way last. 60 whole
   * numbers.
   */
  readonly endedByMinute: readonly number[];
  /** How many ended a minute, over the last 5 whole minutes. */
  readonly endedPerMinute: number;
  /** Of the last (at most) 200 that ran: from the first attempt to the end, in seconds. Null if none is known. */
  readonly runSeconds: { readonly median: number; readonly p95: number; readonly of: number } | null;
  /** How those of the last 24 h ended. */
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /**
   * By the code of the error, the most frequent first, at most 20, of the last 24 h. Their sum is `outcomes.failed` or
   * less.
   */
  readonly failures: readonly { readonly code: string; readonly count: number }[];
}

/** A worker process. */
export interface WorkerOverview {
  readonly id: string;
  /** The definitions that it handles. */
  readonly names: readonly string[];
  /** False: its heartbeat is missing, and its tasks are being recovered. */
  readonly isAlive: boolean;
  /** When it started; null for a worker of an earlier version. */
  readonly since: string | null;
  /** How many tasks of each definition it runs at once; null for a worker of an earlier version. */
  readonly concurrency: number | null;
  /** For how long its event loop has been blocked, in seconds; 0 if it is not. */
  readonly blockedSeconds: number;
  /** How many tasks it runs. */
  readonly runningCount: number;
  /** Of those at most 20. */
  readonly running: readonly { readonly id: string; readonly name: string; readonly since: string | null }[];
}

/** The bus, as this server sees it, and what it costs. */
export interface BusOverview {
  /** `hosted`: Pusher. `own`: Soketi or another one at an address of yours. */
  readonly kind: 'hosted' | 'own';
  /** Set while the bus does not answer this server. */
  readonly outage: { readonly since: string } | null;
  /** How many new tasks and outcomes are not known to be pushed. */
  readonly backlog: number;
  /** Since when the oldest of them waits; null if none does. */
  readonly backlogSince: string | null;
  /** Events that all processes sent in the last whole hour and in the one under way. */
  readonly eventsSent: number;
  /** Tasks that ended in that time. */
  readonly tasksEnded: number;
  /** `2 × eventsSent / tasksEnded`; null while nothing has ended. Say {@link assumption} beside it. */
  readonly messagesPerTask: number | null;
  /** At the rate of that time, for 30 days; null while nothing was sent. */
  readonly messagesPerMonth: number | null;
  /** The smallest plan of hosted Pusher that has room for this rate; null for more than any has. Prices: docs/cost.md. */
  readonly plan: { readonly name: string; readonly dollarsPerMonth: number; readonly messagesPerDay: number } | null;
  /** A sentence for people: what was assumed to get from events to messages and dollars. */
  readonly assumption: string;
}

/** Which tasks a list or an act is about. Each that is given has to hold. In a query each is a parameter of this name. */
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
  readonly time: string;
  readonly tasks: readonly TaskRow[];
  /**
   * Pass it as `cursor`; null on the last page. `owner` and `error` look at a bounded number of tasks a call (1,000), so a
   * page may be short or empty and still have a cursor: go on, and show how far it has looked ({@link lookedUntil}).
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

/** Answer of `GET /api/tasks/:id`. */
export interface TaskDetails {
  readonly time: string;
  readonly task: TaskRow;
  /** The oldest first, at most 100. Empty for what happened before the operator was mounted. */
  readonly story: readonly StoryEntry[];
  /** Whether earlier entries of the story were dropped, or are missing since the operator was not mounted then. */
  readonly isStoryCut: boolean;
  /** Why it does not go on, as far as is known; null if it does. */
  readonly stuck: StuckReason | null;
  readonly facts: TaskFacts;
  /** Null unless the application has asked for payloads. JSON texts, each cut at 65,536 characters. */
  readonly payload: {
    readonly input: string | null;
    readonly result: string | null;
    readonly checkpoint: string | null;
    readonly note: string | null;
  } | null;
}

/** What else is known of a task. */
export interface TaskFacts {
  /** How often a worker was given it. */
  readonly runs: number;
  /** The worker that runs it; null if none does. */
  readonly worker: { readonly id: string; readonly isAlive: boolean; readonly blockedSeconds: number } | null;
  /** How many tasks start before it; null if it does not wait in line, or that is not known. */
  readonly ahead: number | null;
  /** The name of its definition and its concurrency key, hashed; null if it has none. */
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
 * - `cancelling`: its handler was told to stop
 * - `succeeded`, `failed`, `cancelled`: its outcome
 * - `pushed`: the bus took the push of the new task or of the outcome
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

/**
 * Why a task, or a definition, does not go on.
 * - `no-worker`: tasks wait, and no living worker handles the definition
 * - `paused`: tasks wait, and an operator has paused the definition
 * - `line`: tasks have waited for more than a minute for a free worker
 * - `no-sign-of-life`: it runs, and its worker is gone or has given no sign of life for 30 s
 * - `blocked`: the event loop of its worker is blocked
 * - `concurrency-key`: it waits at the gate of its concurrency key
 * - `children`: its handler has returned, and it has waited for its children for more than a minute
 * - `cancelling`: it was cancelled more than 30 s ago, and its handler does not stop
 * - `push-backlog`: outcomes are stored and were not pushed for more than a minute. No task waits for it
 */
export type StuckReason =
  | 'no-worker'
  | 'paused'
  | 'line'
  | 'no-sign-of-life'
  | 'blocked'
  | 'concurrency-key'
  | 'children'
  | 'cancelling'
  | 'push-backlog';

/** Answer of `GET /api/stuck`. */
export interface StuckReport {
  readonly time: string;
  /** In the order of {@link StuckReason}, then by name. */
  readonly items: readonly StuckItem[];
  /** Of each definition the 200 oldest active tasks of a status are looked at. True: some had more. */
  readonly isPartial: boolean;
}

/** Something that is stuck: all tasks of one definition for one reason. */
export interface StuckItem {
  readonly reason: StuckReason;
  /** The definition; null for `push-backlog`. */
  readonly name: string | null;
  /** How many tasks, as far as was looked. */
  readonly count: number;
  /** At most 10 of them, the oldest first. */
  readonly ids: readonly string[];
  /** Since when the oldest has been stuck; null if that is not known. */
  readonly since: string | null;
  /** The workers that are concerned, at most 10: of `no-sign-of-life`, `blocked` and `cancelling`. */
  readonly workers: readonly string[];
}

/** What an operator may do. `forget` erases a user: all their tasks, whatever the status. */
export const ACTS = ['retry', 'cancel', 'forget', 'pause', 'resume'] as const;
/** See {@link ACTS}. */
export type Act = (typeof ACTS)[number];

/** What an act is about. */
export type ActTarget =
  /** `retry` and `cancel`: these tasks, at most 100. */
  | { readonly ids: readonly string[] }
  /** `retry` and `cancel`: all that match now; at least one condition. */
  | { readonly filter: TaskFilter }
  /** `forget` */
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
  /** How many tasks it would change, as far as was looked (10,000 at most). 0 for `pause` and `resume`. */
  readonly count: number;
  /** False: there are more than `count`. The act goes on until all are done. */
  readonly isCountComplete: boolean;
  /** The first 20 of them. */
  readonly tasks: readonly TaskRow[];
  /** For 10 minutes. The act leaves out tasks that were created after the preview. */
  readonly token: string;
}

/** What one call has done of an act: it changes at most 200 tasks, or erases at most 1,000. */
export interface ActResult {
  readonly act: Act;
  /** How many tasks were changed by this call. */
  readonly done: number;
  /** How many could not be: they had ended, say, or had been retried. */
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
  /** The first 100 of the changed. */
  readonly ids: readonly string[];
}

/**
 * The events of `GET /api/live`, by name; `data` is JSON. A comment line comes every 15 s at the latest: after 40 s of
 * silence the stream is dead. EventSource connects again by itself.
 */
export interface LiveEvents {
  /** At once, and then at most once a second when it has changed (its `time` does not count). */
  readonly overview: Overview;
  /** Tasks were created or have changed their status: fetch the list or the task that is shown. At most once a second. */
  readonly changed: { readonly version: number };
  /** The task that the stream was opened for is at another revision. */
  readonly task: { readonly id: string; readonly revision: number };
}
