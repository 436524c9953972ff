/** Errors for a start that is refused now and may be accepted later. Users read their messages. It serves the task operations. */

import { TaskError } from '../../core/error.ts';
import type { StartLimit } from '../../core/tasks/task-limits.ts';

/** The error for a start while a task with the same concurrency key, perhaps of another owner, is at work. */
export function alreadyUnderWayError(): TaskError {
  return new TaskError('already_under_way', 'This is under way already. Try again when it has finished.', {
    status: 409,
  });
}

/**
 * The error for a start beyond a limit.
 * @param waitMs when to try again, in ms from now
 */
export function tooManyTasksError({ kind, of, name, max }: StartLimit, waitMs: number): TaskError {
  const retryAfter = Math.max(Math.ceil(waitMs / 1_000), 1);
  const tasks = `${max.toLocaleString('en')} task${max === 1 ? '' : 's'}${name === null ? '' : ' of this kind'}`;
  const who = of === 'owner' ? 'You' : 'All users together';
  const message =
    kind === 'startsPerMinute'
      ? `${who} may start ${tasks} within a minute. Try again in ${retryAfter} second${retryAfter === 1 ? '' : 's'}.`
      : `${who} may have ${tasks} under way at the same time. Try again when one has finished.`;
  return new TaskError('too_many_tasks', message, { status: 429, retryAfter });
}
