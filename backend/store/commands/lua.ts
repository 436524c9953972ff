/** Lua functions that several commands share. A command lists in `uses` the functions that it calls. */

import { ADD_JOB } from '../../queue/queue-scripts.ts';
import { MARK } from '../watched-mark.ts';

/** A local function in Lua. */
export interface LuaFunction {
  readonly name: string;
  readonly lua: string;
}

/**
 * `redisTime()`: whole ms since 1970. Scripts use only Redis' clock, since the clocks of processes differ. Pass the number
 * to `redis.call` as it is: that stores all digits, while Lua's `tostring` would round them.
 */
export const redisTime: LuaFunction = {
  name: 'redisTime',
  lua: `
local function redisTime()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`,
};

/** `isWatched(mark)`: 0 if the owner's channel is known to be vacant, else 1. No boolean: Lua's `false` is answered as nil. */
export const isWatched: LuaFunction = {
  name: 'isWatched',
  lua: `
local function isWatched(mark)
  local times = redis.call('HMGET', mark, '${MARK.openedAt}', '${MARK.vacatedAt}')
  local openedAt, vacatedAt = times[1], times[2]
  if vacatedAt and (not openedAt or tonumber(vacatedAt) > tonumber(openedAt)) then return 0 end
  return 1
end
`,
};

/** `removeIds(ids, index, …)`: removes up to 1,000 ids from each index. */
export const removeIds: LuaFunction = {
  name: 'removeIds',
  lua: `
local function removeIds(ids, ...)
  if #ids == 0 then return end
  for _, index in ipairs({...}) do redis.call('ZREM', index, unpack(ids)) end
end
`,
};

/**
 * `holds(index, id)`: whether an owner's index has this id. Not ZSCORE: a user of Redis with the least rights of an earlier
 * version may not use that.
 */
export const holds: LuaFunction = {
  name: 'holds',
  lua: `
local function holds(index, id)
  return #redis.call('ZRANGE', index, '[' .. id, '[' .. id, 'BYLEX') > 0
end
`,
};

/** `removeTasks(ids, taskPrefix, index, …)`: removes the records of up to 1,000 tasks, and their ids from each index. */
export const removeTasks: LuaFunction = {
  name: 'removeTasks',
  lua: `
local function removeTasks(ids, taskPrefix, ...)
  if #ids == 0 then return end
  for _, id in ipairs(ids) do redis.call('DEL', taskPrefix .. id) end
  for _, index in ipairs({...}) do redis.call('ZREM', index, unpack(ids)) end
end
`,
};

/** `addJob(queue, job, at)`: adds a job in the same step, see {@link ADD_JOB}. */
export const addJob: LuaFunction = { name: 'addJob', lua: ADD_JOB };
