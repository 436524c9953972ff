/** Removes all that the line of a definition holds about an owner, unless the owner has active tasks. */

import { type CommandRunner, defineCommand } from '../define-command.ts';

/** Answers 0 if the owner has active tasks, and nothing was changed. */
export const LEAVE_LINE = defineCommand({
  name: 'leave-line',
  keys: ['active', 'line', 'turns'],
  args: ['owner'],
  lua: `
if redis.call('EXISTS', active) == 1 then return 0 end
redis.call('DEL', line .. ':' .. owner)
redis.call('ZREM', line, owner)
redis.call('ZREM', turns, owner)
if redis.call('EXISTS', line) == 0 then redis.call('EXPIRE', turns, 60) end
return 1
`,
  parse: () => undefined,
});

/** @param definition its name */
export function leaveLine(redis: CommandRunner, definition: string, owner: string): Promise<void> {
  const { keys } = redis;
  return redis.run(LEAVE_LINE, { active: keys.active(owner), ...keys.line(definition) }, { owner });
}
