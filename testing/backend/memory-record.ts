/** The record of a task in the memory store, and what is read from it. It serves the memory store. */

import { decodeSnapshot, type StoredFields, type StoredSnapshot } from '../../backend/store/record.ts';
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

/** The change; decided again with the counts of its children if it would end the task without knowing of them. */
export function withChildren(record: MemoryRecord, change: Moved): Moved {
  const children = childrenOf(record);
  if (children === null || change.next.children !== undefined || !isFinished(change.next)) return change;
  const before = { ...change.before, children };
  const moved = transition(before, change.event);
  return moved.ok ? { ...change, before, next: moved.snapshot } : change;
}

/** What an event makes of a task. */
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
