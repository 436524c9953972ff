/** Finds tasks whose creation or outcome has not been pushed for some time. */

import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** Answers ids, the longest on the list first. */
export const FIND_UNPUBLISHED = defineCommand({
  name: 'find-unpublished',
  keys: ['unpublished'],
  args: ['age', 'limit'],
  uses: [redisTime],
  lua: `
return redis.call('ZRANGE', unpublished, '-inf', redisTime() - age, 'BYSCORE', 'LIMIT', 0, limit)
`,
  parse: (reply) => reply as readonly string[],
});

/** @param age how long a task has been on the list at least, in ms */
export function findUnpublished(redis: CommandRunner, age: number, limit: number): Promise<readonly string[]> {
  return redis.run(FIND_UNPUBLISHED, { unpublished: redis.keys.unpublished }, { age, limit });
}
