/** Lua functions that several commands share. A command lists in `uses` the functions that it calls. */

import { ADD_JOB, END_JOB } from '../../queue/bee-queue/scripts.ts';
import { DEQUEUE_JOB, ENQUEUE_JOB, PLACE_IN_LINE } from '../../queue/line-scripts.ts';
import { MARK, WORKER_COUNTS_MS, WORKER_RENEWED_MS } from '../watched-mark.ts';

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

/**
 * `countWorkers(mark, worker, now)`: 0 if the owner's channel is known to be vacant; otherwise how many workers share the
 * owner's messages, `worker` included. Notes `worker` in the mark. It costs one command, and one or two more every 3 s.
 */
export const countWorkers: LuaFunction = {
  name: 'countWorkers',
  lua: `
local function countWorkers(mark, worker, now)
  local fields = redis.call('HGETALL', mark)
  -- Without a mark no page was authorized for 7 days. So nobody is there to get too many messages, and workers are not counted.
  if #fields == 0 then return 1 end
  local own = '${MARK.worker}' .. worker
  local openedAt, vacatedAt, ownAt, count, gone = 0, nil, 0, 1, {}
  for n = 1, #fields, 2 do
    local field, value = fields[n], tonumber(fields[n + 1])
    if field == '${MARK.openedAt}' then openedAt = value
    elseif field == '${MARK.vacatedAt}' then vacatedAt = value
    elseif field == own then ownAt = value
    elseif string.sub(field, 1, 1) == '${MARK.worker}' then
      if value > now - ${WORKER_COUNTS_MS} then count = count + 1 else gone[#gone + 1] = field end
    end
  end
  if vacatedAt and vacatedAt > openedAt then return 0 end
  if ownAt < now - ${WORKER_RENEWED_MS} then
    redis.call('HSET', mark, own, now)
    if #gone > 0 then redis.call('HDEL', mark, unpack(gone)) end
  end
  return count
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

/** `addJob(queue, job, at)`: adds a job in the same step, see {@link ADD_JOB}. */
export const addJob: LuaFunction = { name: 'addJob', lua: ADD_JOB };

/** `endJob(active, jobs, job)`: removes a job that has ended, see {@link END_JOB}. */
export const endJob: LuaFunction = { name: 'endJob', lua: END_JOB };

/** `enqueueJob(queue, line, turns, taskPrefix, owner, job, band, at)`: adds a job to the line, see {@link ENQUEUE_JOB}. */
export const enqueueJob: LuaFunction = { name: 'enqueueJob', lua: ENQUEUE_JOB };

/** `dequeueJob(queue, line, turns, owner, job)`: removes a job that waits, see {@link DEQUEUE_JOB}. */
export const dequeueJob: LuaFunction = { name: 'dequeueJob', lua: DEQUEUE_JOB };

/** `placeInLine(queue, line, owner, job, isNew)`: how many jobs start before, see {@link PLACE_IN_LINE}. */
export const placeInLine: LuaFunction = { name: 'placeInLine', lua: PLACE_IN_LINE };
