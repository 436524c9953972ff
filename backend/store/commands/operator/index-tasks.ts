/**
 * Puts tasks into the index of the operator's page by what their records say: tasks that were stored before the page was
 * mounted, and those that a list has found in the wrong place. A task without a record is left out.
 */

import { STATUSES } from '../../../../core/tasks/snapshot.ts';
import { readSnapshot } from '../../../operator/index-scripts.ts';
import { FIELD } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';

/** How many tasks one call indexes. That takes Redis about 1 ms. */
export const INDEXED_AT_ONCE = 100;

export const INDEX_TASKS = defineCommand({
  name: 'index-tasks',
  keys: ['operator'],
  args: ['taskPrefix', '...ids'],
  uses: [readSnapshot],
  lua: `
for _, id in ipairs(ids) do
  local stored = redis.call('HMGET', taskPrefix .. id, '${FIELD.snapshot}', '${FIELD.owner}')
  -- A record may be damaged: then it is no JSON.
  local task = readSnapshot(stored[1] or '')
  if task and stored[2] and type(task.name) == 'string' then
    for _, status in ipairs({${STATUSES.map((status) => `'${status}'`).join(', ')}}) do
      local set = operator .. ':of:' .. task.name .. ':' .. status
      if status == task.status then redis.call('ZADD', set, 0, id) else redis.call('ZREM', set, id) end
    end
    redis.call('SADD', operator .. ':names', task.name)
  end
end
`,
  parse: () => undefined,
});

/** @param ids at most {@link INDEXED_AT_ONCE} @throws TaskError `store_unavailable` */
export async function indexTasks(redis: CommandRunner, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await redis.run(INDEX_TASKS, { operator: redis.keys.operator }, { taskPrefix: redis.keys.task(''), ids });
}
