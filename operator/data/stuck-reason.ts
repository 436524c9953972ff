/** Decides why a task does not go on. Pure. It serves the operator's list of what is stuck, and the view of one task. */

import type { TaskEntry } from '../../backend/operator/task-entries.ts';
import type { KnownWorker } from '../../backend/recovery/worker-registry.ts';
import type { StuckReason } from '../../core/operator/stuck.ts';
import { waitsForChildren } from '../../core/tasks/children.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { dueAt } from './task-row.ts';

/** For how long a task may be in a situation before it counts as stuck, in ms. */
export const STUCK_AFTER_MS = {
  /** Without a sign of life. A worker gives one every 10 s, so two or three are missing. */
  signOfLife: 30_000,
  cancelling: 30_000,
  /** Waiting in the line for a free worker. */
  line: 60_000,
  children: 60_000,
  /** Outside a gate. A short wait there is normal. */
  gate: 60_000,
  /** Stored, and not pushed. */
  push: 60_000,
} as const;

/** What else has to be known, besides the task. */
export interface Surroundings {
  /** In ms, by Redis' clock. */
  readonly now: number;
  /** All workers, by id. */
  readonly workers: ReadonlyMap<string, KnownWorker>;
  /** The definitions that a living worker handles. */
  readonly handled: ReadonlySet<string>;
  /** The definitions that are paused. */
  readonly paused: ReadonlySet<string>;
}

/** Why a task is stuck, and since when (ms since 1970, by Redis' clock). */
export interface Stuck {
  readonly reason: StuckReason;
  readonly since: number;
}

/**
 * Decides why a task is stuck.
 * @param isAtGate whether it waits outside the gate of its concurrency key
 * @param cancelledAt when it was cancelled, in ms; null if that is not known
 * @returns null if the task goes on, as far as is known
 */
export function judgeTask(
  { snapshot, worker }: TaskEntry,
  around: Surroundings,
  { isAtGate, cancelledAt }: { readonly isAtGate: boolean; readonly cancelledAt: number | null },
): Stuck | null {
  switch (snapshot.status) {
    case 'queued':
    case 'retrying':
      return isAtGate
        ? { reason: 'concurrency-key', since: Date.parse(snapshot.createdAt) }
        : judgeWaiting(snapshot, around);
    case 'cancelling': {
      const since = cancelledAt ?? Date.parse(snapshot.updatedAt);
      return since <= around.now - STUCK_AFTER_MS.cancelling ? { reason: 'cancelling', since } : null;
    }
    case 'running':
      return judgeRunning(snapshot, worker, around);
    default:
      return null;
  }
}

function judgeWaiting(snapshot: Snapshot, { now, handled, paused }: Surroundings): Stuck | null {
  const created = Date.parse(snapshot.createdAt);
  const due = dueAt(snapshot);
  const since = due === null ? created : Math.max(Date.parse(due), created);
  if (due !== null && since > now) return null;
  if (paused.has(snapshot.name)) return { reason: 'paused', since };
  if (!handled.has(snapshot.name)) return { reason: 'no-worker', since };
  return since <= now - STUCK_AFTER_MS.line ? { reason: 'line', since } : null;
}

/** @param workerId the worker that runs it, if there is one */
function judgeRunning(snapshot: Snapshot, workerId: string | null, { now, workers }: Surroundings): Stuck | null {
  if (waitsForChildren(snapshot)) {
    const since = Date.parse(snapshot.updatedAt);
    return since <= now - STUCK_AFTER_MS.children ? { reason: 'children', since } : null;
  }
  const worker = workerId === null ? undefined : workers.get(workerId);
  if (worker?.isAlive && worker.blockedFor > 0) return { reason: 'blocked', since: now - worker.blockedFor };
  const sign = Date.parse(snapshot.signOfLifeAt ?? snapshot.updatedAt);
  const isLost = worker !== undefined && !worker.isAlive;
  return isLost || sign <= now - STUCK_AFTER_MS.signOfLife ? { reason: 'no-sign-of-life', since: sign } : null;
}
