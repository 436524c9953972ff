/** What a user reads when a start is refused that would be taken at another time. It serves the task operations. */

import { TaskError } from '../../core/error.ts';
import type { StartLimit } from '../../core/tasks/task-limits.ts';

/** The error for a start while another task with the same concurrency key is at work. It may be somebody else's. */
export function alreadyUnderWay(): TaskError {
  return new TaskError('already_under_way', 'This is under way already. Try again when it has finished.', {
    status: 409,
  });
}

/**
 * The error for a start beyond a limit.
 * @param waitMs until the start would be taken, or until it is worth asking again
 */
export function tooManyTasks({ kind, of, name, max }: StartLimit, waitMs: number): TaskError {
  const retryAfter = Math.max(Math.ceil(waitMs / 1_000), 1);
  const tasks = `${max.toLocaleString('en')} task${max === 1 ? '' : 's'}${name === null ? '' : ' of this kind'}`;
  const who = of === 'owner' ? 'You' : 'All users together';
  const message =
    kind === 'startsPerMinute'
      ? `${who} may start ${tasks} within a minute. Try again in ${retryAfter} second${retryAfter === 1 ? '' : 's'}.`
      : `${who} may have ${tasks} under way at the same time. Try again when one has finished.`;
  return new TaskError('too_many_tasks', message, { status: 429, retryAfter });
}
