/** Finds the children of a task that have no outcome. */

import { type CommandRunner, defineCommand } from '../define-command.ts';

/** Answers ids, at most as many as a task may have children. */
export const FIND_ACTIVE_CHILDREN = defineCommand({
  name: 'find-active-children',
  keys: ['task', 'active'],
  args: [],
  lua: `
local found = {}
for _, child in ipairs(redis.call('HVALS', task .. ':children')) do
  local id = string.match(child, '%S+$')
  if redis.call('ZSCORE', active, id) then found[#found + 1] = id end
end
return found
`,
  parse: (reply) => reply as readonly string[],
});

/** @param owner of the task, and so of its children */
export function findActiveChildren(redis: CommandRunner, id: string, owner: string): Promise<readonly string[]> {
  const { keys } = redis;
  return redis.run(FIND_ACTIVE_CHILDREN, { task: keys.task(id), active: keys.active(owner) }, {});
}
