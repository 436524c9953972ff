/**
 * Checks everything that comes over the wire, pushed or fetched. What does not have the shape of `core/wire.ts` or of
 * `core/tasks/snapshot.ts` becomes null, and the caller ignores it. Code that gets a parsed value does not check it again.
 * Some parts of a snapshot are not checked here: `progress.rate`, `result` and `startsAt` are checked where they are used.
 * `resultOmitted`, `children` and `error.retryable` are passed on as they came.
 */

import { isFinished, type Snapshot, STATUSES } from '../core/tasks/snapshot.ts';
import type { ConnectionInfo, DismissedEvent, SeenEvent, TaskPage } from '../core/wire.ts';

type Fields = Readonly<Record<string, unknown>>;

/** `value` as a snapshot, or null. */
export function parseSnapshot(value: unknown): Snapshot | null {
  if (!isObject(value)) return null;
  const { status, progress, error } = value;
  const needsError = status === 'failed' || status === 'retrying';
  const hasError = isObject(error) && every(error, isText, 'code message');
  const isValid =
    every(value, isText, 'id name title createdAt updatedAt') &&
    every(value, isCount, 'revision attempt attempts') &&
    every(value, isOptionalText, 'startedAt finishedAt signOfLifeAt expectedAt retryOf seenAt waitingFor parent') &&
    isText(value.finishedAt) === isFinished(value as unknown as Snapshot) &&
    (value.queue === undefined || (isObject(value.queue) && isCount(value.queue.ahead))) &&
    (STATUSES as readonly unknown[]).includes(status) &&
    needsError === hasError &&
    (progress == null ||
      (isObject(progress) &&
        isCount(progress.done) &&
        every(progress, isOptionalCount, 'total skipped failed from') &&
        every(progress, isOptionalText, 'stage note')));
  return isValid ? (value as unknown as Snapshot) : null;
}

/** `value` as one page of a list, or null. Entries that are no snapshots are left out of it. */
export function parsePage(value: unknown): TaskPage | null {
  if (!isObject(value) || !Array.isArray(value.tasks)) return null;
  const tasks = value.tasks.filter(parseSnapshot);
  return { tasks, nextCursor: isText(value.nextCursor) ? value.nextCursor : null };
}

/** `value` as the data of `task.seen`, or of `task.dismissed`, which has no `seenAt`; or null. */
export function parseIds(value: unknown): (DismissedEvent & Partial<SeenEvent>) | null {
  const isValid =
    isObject(value) && Array.isArray(value.ids) && value.ids.every(isText) && isOptionalText(value.seenAt);
  return isValid ? (value as unknown as DismissedEvent & Partial<SeenEvent>) : null;
}

/** `value` as the answer of `GET /connection`, or null. */
export function parseConnection(value: unknown): ConnectionInfo | null {
  const isValid = isObject(value) && every(value, isText, 'key cluster channel authEndpoint');
  return isValid ? (value as unknown as ConnectionInfo) : null;
}

/** Whether `value` is an object with fields. */
export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether `check` is true for each field in `names` (separated by spaces). */
function every(fields: Fields, check: (value: unknown) => boolean, names: string): boolean {
  return names.split(' ').every((name) => check(fields[name]));
}

/** Whether `value` is a string. */
export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isOptionalText(value: unknown): boolean {
  return isText(value ?? '');
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isOptionalCount(value: unknown): boolean {
  return isCount(value ?? 0);
}
