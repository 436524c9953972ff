/** Families (parents and their children) in memory, as `backend/family/` has them in Redis. It serves the memory store. */

import type { ChildRefusal } from '../../backend/store/commands/task/create-task.ts';
import { decodeChildren, type StoredFields } from '../../backend/store/record.ts';
import { MAX_CHILDREN, MAX_TASK_DEPTH } from '../../core/limits.ts';
import type { Children } from '../../core/tasks/snapshot.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What the record of a task says of its family. */
export interface FamilyRecord {
  readonly fields: Mutable<StoredFields>;
  /** The tasks that its handler has started, by their keys. */
  readonly children: Map<string, { readonly id: string; readonly body: string }>;
}

/** The child that was started under `key` before, or why none may be started; null if one may. */
export function findChild(
  parent: FamilyRecord | undefined,
  run: number,
  key: string,
): { readonly id: string; readonly body: string } | ChildRefusal | null {
  if (!parent?.fields.worker || parent.fields.run !== String(run)) return 'stale';
  const earlier = parent.children.get(key);
  if (earlier) return earlier;
  if (Number(parent.fields.depth ?? 1) >= MAX_TASK_DEPTH) return 'too_deep';
  return parent.children.size >= MAX_CHILDREN ? 'too_many' : null;
}

/** Adds a child. */
export function adoptChild(parent: FamilyRecord, key: string, child: FamilyRecord, id: string, body: string): void {
  parent.children.set(key, { id, body });
  child.fields.depth = String(Number(parent.fields.depth ?? 1) + 1);
  count(parent, { childrenTotal: 1 });
}

/** Counts a child that ends. @returns whether the parent may end by it */
export function countChild(parent: FamilyRecord | undefined, hasFailed: boolean): boolean {
  if (!parent?.fields.childrenTotal) return false;
  count(parent, { childrenEnded: 1, childrenFailed: hasFailed ? 1 : 0 });
  const { total, ended } = childrenOf(parent) as Children;
  return hasFailed || ended >= total;
}

/** The counts of its children; null if it has none. */
export function childrenOf({ fields }: FamilyRecord): Children | null {
  const { childrenTotal, childrenEnded, childrenFailed } = fields;
  return childrenTotal ? decodeChildren([childrenTotal, childrenEnded, childrenFailed]) : null;
}

/** Adds to the counts, and raises `familyVersion`, the number of changes in the family. */
function count({ fields }: FamilyRecord, by: Partial<Record<keyof StoredFields, number>>): void {
  for (const [name, more] of Object.entries({ ...by, familyVersion: 1 })) {
    if (more > 0) fields[name as keyof StoredFields] = String(Number(fields[name as keyof StoredFields] ?? 0) + more);
  }
}
