/** Finds the children of a task, and which of them have no outcome. */

import { type CommandRunner, defineCommand } from '../define-command.ts';

/** A task that a handler has started. */
export interface Child {
  readonly id: string;
  readonly isActive: boolean;
}

/**
 * Answers `{id, isActive, id, isActive, …}`: 1 for a child without an outcome, else 0. The hash `task:<id>:children` holds
 * `<hash of the input> <id>` for each child.
 */
export const FIND_CHILDREN = defineCommand({
  name: 'find-children',
  keys: ['task', 'active'],
  args: ['id'],
  lua: `
local taskPrefix, found = string.sub(task, 1, -#id - 1), {}
for _, child in ipairs(redis.call('HVALS', task .. ':children')) do
  local childId = string.match(child, '%S+$')
  found[#found + 1] = childId
  -- The index may have an id whose record is lost.
  local isActive = redis.call('ZSCORE', active, childId) and redis.call('EXISTS', taskPrefix .. childId) == 1
  found[#found + 1] = isActive and 1 or 0
end
return found
`,
  parse: (reply): readonly Child[] => {
    const found = reply as readonly (string | number)[];
    return Array.from({ length: found.length / 2 }, (_, n) => ({
      id: found[2 * n] as string,
      isActive: found[2 * n + 1] === 1,
    }));
  },
});

/** @param owner of the task, and so of its children */
export function findChildren(redis: CommandRunner, id: string, owner: string): Promise<readonly Child[]> {
  const { keys } = redis;
  return redis.run(FIND_CHILDREN, { task: keys.task(id), active: keys.active(owner) }, { id });
}
