/** Removes records of tasks that have ended. It serves dismiss-tasks and clear-finished. */

import { leaveIndex } from '../../operator/index-scripts.ts';
import { FIELD } from '../record.ts';
import { type LuaFunction, redisTime } from './lua.ts';
import { removeOldest } from './outcome-scripts.ts';
import { IDEMPOTENCY_TTL_S } from './task/create-task.ts';

/** Names of keys that are gone by now leave `dropped:<owner>` at most this many at a time. */
const CLEANED_AT_MOST = 1_000;

/**
 * `dropTasks(ids, operator, taskPrefix, dropped, retention)`: removes the records of finished tasks. A record for which the hook for
 * outcomes is still to run loses its owner instead, so that only the hook finds it. Such records and idempotency keys stay for a
 * while. Their names go to `dropped`, so that forget-dropped can remove them. `retention` is that of the backend, in seconds.
 * Answers the ids of the tasks that have children.
 */
export const dropTasks: LuaFunction = {
  name: 'dropTasks',
  lua: `${leaveIndex.lua}${redisTime.lua}${removeOldest.lua}
local function dropTasks(ids, operator, taskPrefix, dropped, retention)
  local parents, isMounted = {}, redis.call('EXISTS', operator) == 1
  -- For each key that stays: when it expires at the latest, and its name.
  local now, left = redisTime(), {}
  local function note(key, seconds)
    left[#left + 1], left[#left + 2] = now + seconds * 1000, key
  end
  for _, id in ipairs(ids) do
    local stored = redis.call('HMGET', taskPrefix .. id,
      '${FIELD.hookPending}', '${FIELD.owner}', '${FIELD.childrenTotal}', '${FIELD.idempotency}', '${FIELD.retention}')
    if stored[4] then note(stored[4], ${IDEMPOTENCY_TTL_S}) end
    if stored[3] then parents[#parents + 1] = id end
    if isMounted then leaveIndex(operator, taskPrefix, id) end
    if stored[1] and stored[2] then
      redis.call('HSET', taskPrefix .. id, '${FIELD.formerOwner}', stored[2])
      redis.call('HDEL', taskPrefix .. id, '${FIELD.owner}')
      redis.call('DEL', taskPrefix .. id .. ':story')
      local kept = tonumber(retention)
      for seconds in string.gmatch(stored[5] or '', '%d+') do kept = math.max(kept, seconds) end
      note(taskPrefix .. id, kept)
    else
      redis.call('DEL', taskPrefix .. id, taskPrefix .. id .. ':story')
    end
  end
  if #left > 0 then
    removeOldest(dropped, now, ${CLEANED_AT_MOST})
    redis.call('ZADD', dropped, unpack(left))
    local last = redis.call('ZRANGE', dropped, -1, -1, 'WITHSCORES')[2]
    redis.call('EXPIRE', dropped, math.ceil((last - now) / 1000))
  end
  return parents
end
`,
};
