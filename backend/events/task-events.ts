/** Emits the named event that belongs to a stored change of a task. It serves `task-changes.ts`. */

import { waitsForChildren } from '../../core/tasks/children.ts';
import { isFinished, type RetryingSnapshot, type Snapshot } from '../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import type { Emitter } from './events.ts';
import type { TracedTask } from './tracing.ts';

const NO_CHILDREN = { total: 0, ended: 0, failed: 0 };

/**
 * Emits the named event of a change that was stored. If an attempt starts, its trace also shows how long the attempt has waited.
 * @param before the task as the caller knew it before the change
 * @param event what happened to the task
 * @param after the task as it was stored
 */
export function emitChange(
  events: Emitter,
  { snapshot: before, trace }: TracedTask,
  event: TaskEvent,
  after: Snapshot,
): void {
  const task = () => ({ task: after.id, name: after.name });
  const attempt = () => ({ ...task(), attempt: after.attempt });
  if (isFinished(after)) {
    events.emit('task.ended', () => ({
      ...attempt(),
      status: after.status,
      code: after.error?.code ?? null,
      waitSeconds: seconds(after.createdAt, after.startedAt ?? after.finishedAt),
      runSeconds: after.startedAt === null ? null : seconds(after.startedAt, after.finishedAt),
    }));
    return;
  }
  if (event.type === 'children' || (event.type !== 'cancel' && waitsForChildren(after))) {
    events.emit('task.children', () => ({ ...attempt(), ...(after.children ?? NO_CHILDREN) }));
    return;
  }
  switch (event.type) {
    case 'start':
      events.emit('task.started', () => ({
        ...attempt(),
        attempts: after.attempts,
        waitSeconds: waitOf(before, after),
      }));
      events.tracing?.waited({ snapshot: after, trace }, waitOf(before, after));
      break;
    case 'progress':
      events.emit('task.progressed', () => ({
        ...attempt(),
        done: after.progress?.done ?? 0,
        total: after.progress?.total ?? null,
      }));
      break;
    case 'alive':
      events.emit('task.alive', attempt);
      break;
    case 'cancel':
      events.emit('task.cancelling', attempt);
      break;
    // `for` says what the task is marked as waiting for. Null takes the mark off.
    case 'wait':
      events.emit(event.for === null ? 'task.with-worker' : 'task.without-worker', () => ({
        ...task(),
        status: after.status,
      }));
      break;
    default:
      if (after.status === 'retrying') emitRetry(events, event, after);
  }
}

function emitRetry(events: Emitter, event: TaskEvent, after: RetryingSnapshot): void {
  events.emit('task.retried', () => ({
    task: after.id,
    name: after.name,
    attempt: after.attempt,
    attempts: after.attempts,
    code: after.error.code,
    isHandedBack: event.type === 'release',
    delaySeconds: seconds(after.updatedAt, dueAt(after)),
  }));
}

/** How long an attempt has waited, in seconds, from the moment it could run: its pause was over, or it was accepted. */
function waitOf(before: Snapshot, { updatedAt }: Snapshot): number {
  return seconds(before.status === 'retrying' ? dueAt(before) : before.createdAt, updatedAt);
}

/** When the next attempt may start. */
function dueAt({ expectedAt, updatedAt }: RetryingSnapshot): string {
  return expectedAt ?? updatedAt;
}

/** From one time to another, in seconds. Never below 0, since clocks of several machines differ. */
function seconds(from: string, to: string): number {
  return Math.max(Date.parse(to) - Date.parse(from), 0) / 1_000;
}
