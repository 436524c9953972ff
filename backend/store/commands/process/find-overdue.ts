/**
 * Finds tasks on a list of things to do whose time has passed by more than some ms. Either a process that had something to do for
 * the task has died or failed, or the time was planned (for parents that wait). It serves the sweeper, for the lists `unpublished`
 * and `parents`.
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
