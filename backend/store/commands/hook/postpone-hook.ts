/** Makes the outcome hook of a task due later, if it is not finished: to try it again, or to keep it for another lease. */

import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

export const POSTPONE_HOOK = defineCommand({
  name: 'postpone-hook',
  keys: ['due'],
  args: ['id', 'ms'],
  uses: [redisTime],
  lua: `
redis.call('ZADD', due, 'XX', redisTime() + ms, id)
return 1
`,
  parse: () => undefined,
});

/** @param ms from now */
export function postponeHook(redis: CommandRunner, hook: string, id: string, ms: number): Promise<void> {
  return redis.run(POSTPONE_HOOK, { due: redis.keys.hook(hook) }, { id, ms: Math.ceil(ms) });
}
