/** What the operator sees at one look: definitions, workers and the bus. It serves `operator/data/` and `operator/page/`. */

import type { Outcome, Status } from '../tasks/snapshot.ts';

/** Answer of `GET /api/overview`. One server reads it at most every 0.9 s, however many operators look. */
export interface Overview {
  /** When it was read. */
  readonly time: string;
  /** Sorted by name: those that servers start, that workers handle, or that have tasks in the index. */
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
  /** How many tasks have each status now. Counts of outcomes may be too high: expired tasks are counted for a while. */
  readonly counts: Readonly<Record<Status, number>>;
  /**
   * How many tasks wait in line for a worker. Tasks that start later, and those that wait for their next attempt or at their gate,
   * are not counted.
   */
  readonly line: number;
  /** When the oldest task that is `queued` was created; null if there is none. */
  readonly oldestQueuedAt: string | null;
  /** Set while workers take no task of it. `who`: the operator who has paused it, as the option `allow` names them. */
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
  /**
   * How long the last tasks that ran took, at most 200 of them: from the first attempt to the end, in seconds. `of`: how many
   * tasks that are. Null if none is known.
   */
  readonly runSeconds: { readonly median: number; readonly p95: number; readonly of: number } | null;
  /** How the tasks that ended in the last 24 h ended. */
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /**
   * Failed tasks of the last 24 h by the code of the error: the 20 most frequent codes, the most frequent first. The counts add
   * up to `outcomes.failed`, or to less if there are more codes.
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
  /** `2 × eventsSent / tasksEnded`; null while nothing has ended. Show {@link assumption} beside it. */
  readonly messagesPerTask: number | null;
  /** At the rate of that time, for 30 days; null while nothing was sent. */
  readonly messagesPerMonth: number | null;
  /** The smallest plan of hosted Pusher that has room for this rate; null for more than any has. Prices: docs/cost.md. */
  readonly plan: { readonly name: string; readonly dollarsPerMonth: number; readonly messagesPerDay: number } | null;
  /** A sentence for people: what was assumed to get from events to messages and dollars. */
  readonly assumption: string;
}
