/** Removes records of tasks that have ended. It serves dismiss-tasks and clear-finished. */

import { leaveIndex } from '../../operator/index-scripts.ts';
import { FIELD } from '../record.ts';
import type { LuaFunction } from './lua.ts';

/**
 * `dropTasks(ids, operator, taskPrefix)`: removes the records of finished tasks. A record for which the hook for outcomes is still
 * to run loses its owner instead, so that only the hook finds it. Answers the ids of those that have children.
 */
export const dropTasks: LuaFunction = {
  name: 'dropTasks',
  lua: `${leaveIndex.lua}
local function dropTasks(ids, operator, taskPrefix)
  local parents, isMounted = {}, redis.call('EXISTS', operator) == 1
  for _, id in ipairs(ids) do
    local stored = redis.call('HMGET', taskPrefix .. id,
      '${FIELD.hookPending}', '${FIELD.owner}', '${FIELD.childrenTotal}')
    if stored[3] then parents[#parents + 1] = id end
    if isMounted then leaveIndex(operator, taskPrefix, id) end
    if stored[1] and stored[2] then
      redis.call('HSET', taskPrefix .. id, '${FIELD.formerOwner}', stored[2])
      redis.call('HDEL', taskPrefix .. id, '${FIELD.owner}')
      redis.call('DEL', taskPrefix .. id .. ':story')
    else
      redis.call('DEL', taskPrefix .. id, taskPrefix .. id .. ':story')
    end
  end
  return parents
end
`,
};
