/** The record of a task in the memory store: what is read from it and written to it. It serves the memory store. */

import type { Commit } from '../../backend/store/commands/task/commit-change.ts';
import { decodeSnapshot, encodeSnapshot, type StoredFields, type StoredSnapshot } from '../../backend/store/record.ts';
import type { Applied } from '../../backend/store/store.ts';
import type { ListOptions } from '../../backend/store/task-list.ts';
import { isFinished, type Snapshot } from '../../core/tasks/snapshot.ts';
import { type TaskEvent, transition } from '../../core/tasks/transition.ts';
import { childrenOf, type FamilyRecord } from './memory-family.ts';

/** A record: the fields that Redis would hold, and what Redis keeps beside them. */
export interface MemoryRecord extends FamilyRecord {
  readonly owner: string;
  retriedBy: string | null;
  isUnseen: boolean;
}

/** The stored snapshot, as `record.ts` decodes it. */
export function storedOf({ snapshot, seenAt }: StoredFields): StoredSnapshot {
  return { snapshot: snapshot ?? '', seenAt: seenAt ? Number(seenAt) : null };
}

export function snapshotOf({ fields }: MemoryRecord): Snapshot {
  return decodeSnapshot(storedOf(fields));
}

/**
 * What an event makes of a task, or why it is refused. In the order in which the store over Redis decides: by what the caller
 * knows, then by the run, then by what is stored.
 * @param run the run that the event comes from; undefined if it comes from no run
 */
export function decide(
  record: MemoryRecord,
  knownSnapshot: Snapshot,
  event: TaskEvent,
  run: number | undefined,
): Moved | Extract<Applied, { ok: false }> {
  const known = transition(knownSnapshot, event);
  if (!known.ok && known.refusal === 'unchanged') return { ...known, snapshot: knownSnapshot };
  const storedRun = record.fields.run;
  const isStale = run !== undefined && !!storedRun && storedRun !== String(run);
  const stale = { ok: false, refusal: 'stale_attempt', snapshot: null } as const;
  if (known.ok && isStale) return stale;
  const stored = snapshotOf(record);
  const moved = transition(stored, event);
  if (!moved.ok) return { ...moved, snapshot: stored };
  return isStale ? stale : { before: stored, event, next: moved.snapshot };
}

/** Writes a change to the record. @param run the run that the event comes from; for a `start`, the run before */
export function writeCommit(
  record: MemoryRecord,
  next: Snapshot,
  { runChange, kind, parent, more }: Commit,
  { run, now }: { readonly run: number; readonly now: number },
): void {
  const { fields } = record;
  Object.assign(fields, encodeSnapshot(next), more);
  if (runChange?.type === 'start') {
    Object.assign(fields, { run: String(run + 1), worker: runChange.worker, begunAt: String(now) });
  } else if (runChange?.type === 'end' && fields.worker) {
    const { handedBackProgress, suspicion } = runChange;
    Object.assign(fields, { worker: '', handedBackProgress, ...(suspicion ? { suspicion } : {}) });
  }
  if (kind !== 'step' && parent === null) record.isUnseen = true;
}

/** The change; decided again with the counts of its children if it would end the task without knowing of them. */
export function withChildren(record: MemoryRecord, change: Moved): Moved {
  const children = childrenOf(record);
  if (children === null || change.next.children !== undefined || !isFinished(change.next)) return change;
  const before = { ...change.before, children };
  const moved = transition(before, change.event);
  return moved.ok ? { ...change, before, next: moved.snapshot } : change;
}

/** A change: the task before an event, and after it. */
export interface Moved {
  readonly before: Snapshot;
  readonly event: TaskEvent;
  readonly next: Snapshot;
}

/** Whether a list of tasks in this state has the task. */
export function isIn(state: NonNullable<ListOptions['state']>, record: MemoryRecord): boolean {
  if (state === 'all') return true;
  return state === 'unseen' ? record.isUnseen : !isFinished(snapshotOf(record));
}
