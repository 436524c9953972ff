/** The fields of a snapshot that several kinds of change set. Pure. It serves `transition.ts` and `children.ts`. */

import type { QueuedSnapshot, Snapshot } from './snapshot.ts';

/**
 * The fields that every change sets: the revision and its time. `updatedAt` never goes back, even if the clocks of two machines
 * differ.
 */
export function nextRevision(task: Snapshot, at: string) {
  return { revision: task.revision + 1, updatedAt: at > task.updatedAt ? at : task.updatedAt };
}

/** The fields that every outcome sets. A child's outcome counts as seen at once: only the parent's goes to the inbox. */
export function outcomeFields(task: Snapshot, at: string) {
  const common = nextRevision(task, at);
  const finishedAt = common.updatedAt;
  const seenAt = task.parent === undefined ? null : finishedAt;
  return { ...common, finishedAt, expectedAt: null, resultOmitted: false, seenAt } as const;
}

/** The task without the fields that only a waiting task has. */
export function withoutWait<S extends Snapshot>(task: S): Omit<S, 'waitingFor' | 'queue' | 'startsAt'> {
  const { waitingFor, queue, startsAt, ...rest } = task as S &
    Pick<QueuedSnapshot, 'waitingFor' | 'queue' | 'startsAt'>;
  return rest;
}
