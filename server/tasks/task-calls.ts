/** The operations on tasks that both `createTaskServer` and `createTasks` offer to code of the application. */

import type { TaskOperations } from './operations.ts';
import type { TaskRemovals } from './removals.ts';

/** Each call names the owner. */
export type TaskCalls = Pick<TaskOperations, 'get' | 'list' | 'cancel' | 'retry' | 'seen'> &
  Pick<TaskRemovals, 'dismiss' | 'clear'>;

/** The calls as functions that need no `this`, so that an application may pass them on. */
export function bindTaskCalls(operations: TaskOperations, removals: TaskRemovals): TaskCalls {
  return {
    get: (owner, id) => operations.get(owner, id),
    list: (owner, page) => operations.list(owner, page),
    cancel: (owner, id) => operations.cancel(owner, id),
    retry: (owner, id) => operations.retry(owner, id),
    seen: (owner, ids) => operations.seen(owner, ids),
    dismiss: (owner, id) => removals.dismiss(owner, id),
    clear: (owner, which) => removals.clear(owner, which),
  };
}
