/** Removes finished tasks of an owner, who has no use for them any more. Active tasks and ids of other owners are left. */

import { type CommandRunner, defineCommand } from '../define-command.ts';
import { dropTasks } from '../drop-tasks.ts';
import { removeIds } from '../lua.ts';

/** What is gone, and which of the removed tasks had children. */
export interface DismissAnswer {
  readonly gone: readonly string[];
  readonly parents: readonly string[];
}

/** Answers `{gone, parents}`: the ids without those of active tasks, and those of removed tasks that had children. */
export const DISMISS_TASKS = defineCommand({
  name: 'dismiss-tasks',
  keys: ['all', 'active', 'unseen', 'operator', 'dropped'],
  args: ['taskPrefix', 'retention', '...ids'],
  uses: [dropTasks, removeIds],
  lua: `
local gone, finished = {}, {}
for _, id in ipairs(ids) do
  if not redis.call('ZSCORE', active, id) then
    gone[#gone + 1] = id
    if redis.call('ZSCORE', all, id) then finished[#finished + 1] = id end
  end
end
local parents = dropTasks(finished, operator, taskPrefix, dropped, retention)
removeIds(finished, all, unseen)
return {gone, parents}
`,
  parse: (reply): DismissAnswer => {
    const [gone, parents] = reply as readonly [readonly string[], readonly string[]];
    return { gone, parents };
  },
});

/**
 * @param ids at most 1,000
 * @returns `gone`: the ids without those of active tasks. The owner has no such tasks any more, or never had
 */
export function dismissTasks(redis: CommandRunner, owner: string, ids: readonly string[]): Promise<DismissAnswer> {
  const { keys } = redis;
  return redis.run(
    DISMISS_TASKS,
    {
      all: keys.all(owner),
      active: keys.active(owner),
      unseen: keys.unseen(owner),
      operator: keys.operator,
      dropped: keys.dropped(owner),
    },
    { taskPrefix: keys.task(''), retention: redis.retention, ids },
  );
}
