/**
 * Makes a hook due later for the outcome of one task. A worker does so to renew its lease while the hook runs, or to let a hook that
 * failed run again. Nothing happens if the hook is finished with this task.
 */

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

/**
 * @param hook its name, such as `outcome:0` (hooks/hook-queue.ts)
 * @param id of the task
 * @param ms from now until it is due
 */
export function postponeHook(redis: CommandRunner, hook: string, id: string, ms: number): Promise<void> {
  return redis.run(POSTPONE_HOOK, { due: redis.keys.hook(hook) }, { id, ms: Math.ceil(ms) });
}
