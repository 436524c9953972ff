/**
 * Finds the tasks of a list whose time is more than some ms ago. It serves the sweeper, for two lists:
 * - `unpublished`: new tasks and outcomes. The process that stored one has died, or could not push it.
 * - `parents`: the process that was to update a parent has died or failed, or a waiting parent is to be checked again.
 */

import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** Answers ids, those with the earliest time first. */
export const FIND_OVERDUE = defineCommand({
  name: 'find-overdue',
  keys: ['list'],
  args: ['age', 'limit'],
  uses: [redisTime],
  lua: `
return redis.call('ZRANGE', list, '-inf', redisTime() - age, 'BYSCORE', 'LIMIT', 0, limit)
`,
  parse: (reply) => reply as readonly string[],
});

/** @param list the key of a list @param age by how much the time of a task must have passed, in ms */
export function findOverdue(
  redis: CommandRunner,
  list: string,
  age: number,
  limit: number,
): Promise<readonly string[]> {
  return redis.run(FIND_OVERDUE, { list }, { age, limit });
}
