/** Takes an owner who has no active task left out of the line of a definition: what names them there goes. */

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

export function leaveLine(redis: CommandRunner, definition: string, owner: string): Promise<void> {
  const { keys } = redis;
  return redis.run(LEAVE_LINE, { active: keys.active(owner), ...keys.line(definition) }, { owner });
}
