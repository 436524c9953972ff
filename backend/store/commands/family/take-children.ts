/** Reads and deletes the list of a task's children, because the task itself was removed. */

import { type CommandRunner, defineCommand } from '../define-command.ts';

/**
 * Answers the ids of all its children, also of those whose records are gone. The hash `task:<id>:children` holds
 * `<hash of the input> <id>` for each child.
 */
export const TAKE_CHILDREN = defineCommand({
  name: 'take-children',
  keys: ['task'],
  args: [],
  lua: `
local ids = {}
for _, child in ipairs(redis.call('HVALS', task .. ':children')) do ids[#ids + 1] = string.match(child, '%S+$') end
redis.call('DEL', task .. ':children')
return ids
`,
  parse: (reply) => reply as readonly string[],
});

/** @returns at most 1,000 ids */
export function takeChildren(redis: CommandRunner, id: string): Promise<readonly string[]> {
  return redis.run(TAKE_CHILDREN, { task: redis.keys.task(id) }, {});
}
