/** Finds parents whose families changed some time ago, and which no process has updated since. */

import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** Answers ids, the longest on the list first. */
export const FIND_CHANGED_PARENTS = defineCommand({
  name: 'find-changed-parents',
  keys: ['parents'],
  args: ['age', 'limit'],
  uses: [redisTime],
  lua: `
return redis.call('ZRANGE', parents, '-inf', redisTime() - age, 'BYSCORE', 'LIMIT', 0, limit)
`,
  parse: (reply) => reply as readonly string[],
});

/** @param age how long ago the last change was at least, in ms */
export function findChangedParents(redis: CommandRunner, age: number, limit: number): Promise<readonly string[]> {
  return redis.run(FIND_CHANGED_PARENTS, { parents: redis.keys.parents }, { age, limit });
}
