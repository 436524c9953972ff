/**
 * Finds tasks that have been on a list of things to do for too long: the process that put them there must have died or
 * failed. It serves the sweeper, for the lists `unpublished` and `parents`.
 */

import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** Answers ids, the longest on the list first. */
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

/** @param list the key of a list @param age how long a task has been on it at least, in ms */
export function findOverdue(
  redis: CommandRunner,
  list: string,
  age: number,
  limit: number,
): Promise<readonly string[]> {
  return redis.run(FIND_OVERDUE, { list }, { age, limit });
}
