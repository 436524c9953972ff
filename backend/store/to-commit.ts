/** What the store has to write for a change that core has decided. Pure. It serves `TaskStore.apply`. */

import { isFinished, type Snapshot } from '../../core/snapshot.ts';
import type { TaskEvent } from '../../core/transition.ts';
import { jobIdOf } from '../queue/job.ts';
import type { Isolation, Suspicion } from '../recovery/probation.ts';
import type { Commit, RunChange } from './commands/task/commit-change.ts';
import { encodeSnapshot } from './record.ts';

/** How a change relates to the run of its task. */
export interface RunOptions {
  /** The run that the event comes from, or after which the next one starts. */
  readonly run?: number;
  /** For a `start`. */
  readonly start?: { readonly worker: string; readonly isolation: Isolation };
  /** What is held against the task from now on. */
  readonly suspicion?: Suspicion;
}

/** A change that core has decided: `event` makes `next` of `known`. */
export interface Change {
  readonly owner: string;
  readonly known: Snapshot;
  readonly event: TaskEvent;
  readonly next: Snapshot;
}

/** @param now in ms since 1970, by Redis' clock */
export function toCommit(change: Change, options: RunOptions, now: number): Commit {
  const { owner, known, next } = change;
  return {
    id: known.id,
    owner,
    name: known.name,
    expected: known.revision,
    revision: next.revision,
    ...encodeSnapshot(next),
    kind: isFinished(next) ? 'outcome' : 'step',
    run: options.run ?? null,
    runChange: options.start ? { type: 'start', ...options.start } : toRunEnd(change, options.suspicion),
    duration: toDuration(next),
    job: toJob(next, options.run, now),
    announceCancel: isNewsOfCancel(known, next),
  };
}

/** What the end of a run leaves behind; null where the change ends none. */
function toRunEnd({ known, next, event }: Change, suspicion?: Suspicion): RunChange | null {
  if (!isAttempting(known) || isAttempting(next)) return null;
  const held = event.type === 'release' ? known.progress : null;
  return {
    type: 'end',
    held: held === null ? '' : JSON.stringify(held),
    suspicion: suspicion ? JSON.stringify(suspicion) : '',
  };
}

/** How long the task took, in ms. Null unless its first attempt succeeded: only that tells how long others will take. */
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

/** Whether a worker has to be told of a cancellation: the one that runs the task, or one that holds it until it may run. */
function isNewsOfCancel(known: Snapshot, next: Snapshot): boolean {
  return (
    (next.status === 'cancelling' && known.status !== 'cancelling') ||
    (next.status === 'cancelled' && known.status === 'retrying')
  );
}

function isAttempting({ status }: Snapshot): boolean {
  return status === 'running' || status === 'cancelling';
}
