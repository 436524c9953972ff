/** Finds a task for its owner, or answers 404. It serves the operations on single tasks, and the operator's page. */

import type { ServerBackend } from '../../backend/server-backend.ts';
import type { OwnedTask } from '../../backend/store/record.ts';
import { refusal } from '../problem.ts';
import { isId } from './task-id.ts';

/**
 * Reads a task of `owner` as lists show it: without a big result.
 * @throws TaskError `not_found` (404), also for a task of somebody else
 */
export async function readOwnTask(
  store: Pick<ServerBackend['store'], 'read'>,
  owner: string,
  id: string,
): Promise<OwnedTask> {
  return requireFound(isId(id) ? await store.read(id, { owner }) : null);
}

/** `task` unless it is null. @throws TaskError `not_found` (404) */
export function requireFound<T>(task: T | null): T {
  if (task !== null) return task;
  throw refusal('not_found', 'There is no such task.', 404);
}
