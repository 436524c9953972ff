/** Makes the row of a task for the operator's lists, and tells whether a task fits a filter. Pure. */

import type { TaskEntry } from '../../backend/operator/task-entries.ts';
import type { TaskFilter, TaskRow } from '../../core/operator/tasks.ts';
import type { Progress, Snapshot } from '../../core/tasks/snapshot.ts';
import { canCancel, canRetry } from '../../core/tasks/transition.ts';

/** @param offered the names of the definitions that may be retried here */
export function toRow({ owner, snapshot, retriedBy }: TaskEntry, offered: ReadonlySet<string>): TaskRow {
  const { id, name, title, status, attempt, attempts, createdAt, startedAt, updatedAt, finishedAt } = snapshot;
  return {
    id,
    name,
    owner,
    title,
    status,
    attempt,
    attempts,
    progress: snapshot.progress && withoutNote(snapshot.progress),
    createdAt,
    startedAt,
    updatedAt,
    finishedAt,
    signOfLifeAt: snapshot.signOfLifeAt,
    dueAt: dueAt(snapshot),
    seenAt: snapshot.seenAt,
    error: snapshot.error && { code: snapshot.error.code, message: snapshot.error.message },
    revision: snapshot.revision,
    canCancel: canCancel(status),
    canRetry: canRetry(status) && retriedBy === null && offered.has(name),
  };
}

/** When a waiting task is to start, ISO 8601; null if it may start at once, or does not wait. */
export function dueAt(task: Snapshot): string | null {
  if (task.status === 'queued') return task.startsAt ?? null;
  return task.status === 'retrying' ? task.expectedAt : null;
}

/** Whether a task meets all conditions of a filter. */
export function fits({ owner, snapshot }: TaskEntry, filter: TaskFilter): boolean {
  if (filter.status !== undefined && !filter.status.includes(snapshot.status)) return false;
  if (filter.name !== undefined && filter.name !== snapshot.name) return false;
  if (filter.owner !== undefined && filter.owner !== owner) return false;
  if (filter.since !== undefined && snapshot.createdAt < filter.since) return false;
  if (filter.until !== undefined && snapshot.createdAt >= filter.until) return false;
  return filter.error === undefined || hasWords(snapshot.error, filter.error);
}

/** Whether each of the words is part of the error's code or message, in any order and case. */
function hasWords(error: Snapshot['error'], words: string): boolean {
  if (error === null) return false;
  const text = `${error.code} ${error.message}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function withoutNote({ note: _, ...progress }: Progress): Omit<Progress, 'note'> {
  return progress;
}
