/** Turns a change that core has decided into what the store has to write. Pure. It serves `TaskStore.apply`. */

import { waitsForChildren } from '../../core/tasks/children.ts';
import { withoutRate } from '../../core/tasks/pace.ts';
import { advance } from '../../core/tasks/progress.ts';
import { isFinished, type Snapshot } from '../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import { jobIdOf } from '../queue/job.ts';
import type { Isolation, Suspicion } from '../recovery/probation.ts';
import type { Commit, RunChange } from './commands/task/commit-change.ts';
import { encodeSnapshot } from './record.ts';

const NOTHING: Commit['more'] = {};

/** How a change relates to the run of its task. */
export interface RunOptions {
  /** The run that the event comes from. For a `start`, the run before the one that starts. */
  readonly run?: number;
  /** Given only with a `start` event. */
  readonly start?: { readonly worker: string; readonly isolation: Isolation };
  /** The crashes that count against the task from now on. */
  readonly suspicion?: Suspicion;
  /** A checkpoint to store with the change, as JSON; '' forgets the stored one. */
  readonly checkpoint?: string;
  /** Whether the task has a checkpoint, or gets one with this change. Then its progress is kept for the next attempt. */
  readonly isResumable?: boolean;
}

/** A change that core has decided: `event` turns `before` into `next`. */
export interface DecidedChange {
  readonly owner: string;
  readonly before: Snapshot;
  readonly event: TaskEvent;
  readonly next: Snapshot;
}

/** @param now in ms since 1970, by Redis' clock */
export function toCommit(change: DecidedChange, options: RunOptions, now: number): Commit {
  const { owner, before, next } = change;
  return {
    id: before.id,
    owner,
    name: before.name,
    expected: before.revision,
    revision: next.revision,
    ...encodeSnapshot(next),
    kind: isFinished(next) ? next.status : 'step',
    run: options.run ?? null,
    runChange: options.start ? { type: 'start', ...options.start } : toRunEnd(change, options.suspicion),
    duration: toDuration(next),
    job: toJob(next, options.run, now),
    leavesLine: next.status === 'cancelled' && (before.status === 'queued' || before.status === 'retrying'),
    announceCancel: mustTellWorkers(before, next),
    more: { ...toCheckpoint(change, options), ...toReturned(change) },
    parent: next.parent ?? null,
    knowsChildren: next.children !== undefined,
    mattersToChildren: mattersToChildren(change),
  };
}

/** What to store about a run that ends; null if the change does not end a run. */
function toRunEnd({ before, next, event }: DecidedChange, suspicion?: Suspicion): RunChange | null {
  if (!isAttempting(before) || isAttempting(next)) return null;
  const handedBackProgress = event.type === 'release' ? before.progress : null;
  return {
    type: 'end',
    handedBackProgress: handedBackProgress === null ? '' : JSON.stringify(handedBackProgress),
    suspicion: suspicion ? JSON.stringify(suspicion) : '',
  };
}

/** What to store of the checkpoint; '' for what is to be forgotten. */
function toCheckpoint(
  { before, next, event }: DecidedChange,
  { checkpoint, isResumable = false }: RunOptions,
): Commit['more'] {
  if (checkpoint === undefined && !isResumable) return NOTHING;
  if (checkpoint === '') return { checkpoint, checkpointProgress: '' };
  const given = checkpoint === undefined ? NOTHING : { checkpoint };
  if (!isAttempting(before) || isAttempting(next)) return given;
  // A worker that ends an attempt tells how far it came. A worker that died does not, so the last step counts.
  const report = 'progress' in event ? event.progress : null;
  const reached = report ? advance(before.progress, report) : before.progress;
  return reached === null ? given : { ...given, checkpointProgress: JSON.stringify(withoutRate(reached)) };
}

/**
 * Whether the task's children are affected: its status changes, or it begins to wait for them. Not for a `children` event: it is
 * applied by an update of the parent (family/parent-updates.ts), which itself cancels the children where that is due.
 */
function mattersToChildren({ before, next, event }: DecidedChange): boolean {
  if (event.type === 'children') return false;
  return before.status !== next.status || waitsForChildren(before) !== waitsForChildren(next);
}

/** What the handler returned is stored until the children have ended; '' removes it. */
function toReturned({ before, next, event }: DecidedChange): Commit['more'] {
  if (waitsForChildren(before)) return isFinished(next) ? { returned: '' } : NOTHING;
  if (event.type !== 'succeed' || !waitsForChildren(next)) return NOTHING;
  return { returned: JSON.stringify(event.result ?? null) };
}

/** How long the task took, in ms; null unless its first attempt succeeded, since other durations make no good estimate. */
function toDuration(next: Snapshot): number | null {
  if (next.status !== 'succeeded' || next.attempt !== 1) return null;
  return Date.parse(next.finishedAt) - Date.parse(next.startedAt);
}

/** The job of the next run, for a task that waits for one. */
function toJob(next: Snapshot, run: number | undefined, now: number): Commit['job'] {
  if (next.status !== 'retrying') return null;
  const at = next.expectedAt === null ? 0 : Date.parse(next.expectedAt);
  return { id: jobIdOf({ id: next.id, run: (run ?? 0) + 1 }), at: at > now ? at : null };
}

/**
 * Whether workers have to be told of a cancellation. A worker that runs the task has to stop it. A worker may also hold a
 * retrying task that must not yet run beside the others.
 */
function mustTellWorkers(before: Snapshot, next: Snapshot): boolean {
  return (
    (next.status === 'cancelling' && before.status !== 'cancelling') ||
    (next.status === 'cancelled' && before.status === 'retrying')
  );
}

/** Whether a worker runs the handler. */
function isAttempting(task: Snapshot): boolean {
  return (task.status === 'running' || task.status === 'cancelling') && !waitsForChildren(task);
}
