/** Removes finished tasks of an owner, who has no use for them any more. Active tasks and ids of other owners are left. */

import { type CommandRunner, defineCommand } from '../define-command.ts';
import { dropTasks, holds, removeIds } from '../lua.ts';

/** Answers with the ids that were removed. */
export const DISMISS_TASKS = defineCommand({
  name: 'dismiss-tasks',
  keys: ['all', 'active', 'unseen'],
  args: ['taskPrefix', '...ids'],
  uses: [holds, dropTasks, removeIds],
  lua: `
local finished = {}
for _, id in ipairs(ids) do
  if holds(all, id) and not holds(active, id) then finished[#finished + 1] = id end
end
dropTasks(finished, taskPrefix)
removeIds(finished, all, unseen)
return finished
`,
  parse: (reply) => reply as readonly string[],
});

/**
 * @param ids at most 1,000
 * @returns the ids of the tasks that were removed
 */
export function dismissTasks(redis: CommandRunner, owner: string, ids: readonly string[]): Promise<readonly string[]> {
  const { keys } = redis;
  return redis.run(
    DISMISS_TASKS,
    { all: keys.all(owner), active: keys.active(owner), unseen: keys.unseen(owner) },
    { taskPrefix: keys.task(''), ids },
  );
}
