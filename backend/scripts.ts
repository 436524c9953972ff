/**
 * The Lua that Redis runs: each script is one atomic step, whatever dies around it.
 *
 * Keys, all under the backend's prefix:
 *   task:<id>         hash  r revision, s snapshot, o owner, i input as its schema gave it, x the raw input where that
 *                           differs ('' where it was no JSON), w until when (ms, Redis' clock) somebody holds a
 *                           request open until the task changes; expires after the retention once finished
 *   all:<owner>       zset  ids of the owner's tasks, all scores 0: ids sort by time of creation
 *   active:<owner>    zset  those without an outcome
 *   unseen:<owner>    zset  those whose outcome the owner has not seen: the inbox
 *   idem:<owner>:<h>  text  "<hash of the body> <id>" of an Idempotency-Key, for 24 h
 *   page:<channel>    hash  o, v: when a page last entered the owner's channel, and when the last one left it (ms)
 *   unpublished       zset  ids whose outcome may not have been pushed, by the time of the outcome (ms)
 *   lease:<name>      text  who does something that one process does at a time; expires
 *   durations:<name>  list  how long the last successful attempts of a definition took (ms)
 *   queue:<name>:…          bee-queue's own
 */

import { ADD_JOB } from './queue.ts';

/** In Lua: 0 when the channel of KEYS[n] is known to be vacant, else 1. */
const HAS_PAGE = (n: number) => `
local page = redis.call('HMGET', KEYS[${n}], 'o', 'v')
local hasPage = 1
if page[2] and (not page[1] or tonumber(page[2]) > tonumber(page[1])) then hasPage = 0 end
`;

/**
 * KEYS task, all, active, idem, page
 * ARGV id, snapshot, owner, input, body hash, idem ttl (s), prefix of task keys, queue, job, how many of the oldest ids
 *      may be forgotten now; the raw input, where it is kept
 * Stores a task and gives it its job: accepted is both or neither. Returns {what the key stands for or '', hasPage}.
 */
export const CREATE = `
if ARGV[5] ~= '' then
  local known = redis.call('GET', KEYS[4])
  if known then return {known, 1} end
end
if redis.call('ZADD', KEYS[2], 'NX', 0, ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], 'r', 1, 's', ARGV[2], 'o', ARGV[3], 'i', ARGV[4])
  if ARGV[11] then redis.call('HSET', KEYS[1], 'x', ARGV[11]) end
  redis.call('PERSIST', KEYS[2])
  redis.call('ZADD', KEYS[3], 0, ARGV[1])
  ${ADD_JOB}
  addJob(ARGV[8], ARGV[9], '')
  if ARGV[5] ~= '' then redis.call('SET', KEYS[4], ARGV[5] .. ' ' .. ARGV[1], 'EX', ARGV[6]) end
  -- Ids of records that have expired leave the index here. They are the oldest, so a few that are kept end the search.
  if ARGV[10] ~= '0' then
    local kept = 0
    for _, old in ipairs(redis.call('ZRANGE', KEYS[2], 0, ARGV[10] - 1)) do
      if redis.call('EXISTS', ARGV[7] .. old) == 0 then redis.call('ZREM', KEYS[2], old) else kept = kept + 1 end
      if kept == 3 then break end
    end
  end
end
${HAS_PAGE(5)}
return {'', hasPage}
`;

/** KEYS task, all, active · ARGV id. Forgets a task that nobody has touched since it was created; its job finds nothing. */
export const DISCARD = `
if redis.call('HGET', KEYS[1], 'r') ~= '1' then return 0 end
redis.call('DEL', KEYS[1])
for n = 2, 3 do redis.call('ZREM', KEYS[n], ARGV[1]) end
return 1
`;

/**
 * KEYS task, all, active, unseen, page, unpublished, durations
 * ARGV id, expected revision, new revision, snapshot, kind (step | outcome | seen), now (ms), retention (s),
 *      duration (ms or ''), channel to publish the id on ('' for none), channel for the ids of changed tasks that are
 *      waited for; where the task waits for a job from now on: queue, job, when it is due (ms, or '' for at once)
 * Returns {'ok', hasPage} or {'missing'} or {'conflict', snapshot}. For an outcome nobody looks whether there is a page.
 */
export const COMMIT = `
local known = redis.call('HMGET', KEYS[1], 'r', 'w')
if not known[1] then return {'missing'} end
if known[1] ~= ARGV[2] then return {'conflict', redis.call('HGET', KEYS[1], 's')} end
redis.call('HSET', KEYS[1], 'r', ARGV[3], 's', ARGV[4])
local kind = ARGV[5]
if kind == 'outcome' then
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[7])
  redis.call('ZADD', KEYS[4], 0, ARGV[1])
  redis.call('EXPIRE', KEYS[4], ARGV[7])
  redis.call('ZADD', KEYS[6], ARGV[6], ARGV[1])
  if redis.call('ZCARD', KEYS[3]) == 0 then redis.call('EXPIRE', KEYS[2], ARGV[7]) end
  if ARGV[8] ~= '' then
    -- The last 50 are read; to cut the list each time would be one command more for each task.
    if redis.call('LPUSH', KEYS[7], ARGV[8]) > 100 then redis.call('LTRIM', KEYS[7], 0, 49) end
  end
elseif kind == 'seen' then
  redis.call('ZREM', KEYS[4], ARGV[1])
end
if ARGV[11] then
  ${ADD_JOB}
  addJob(ARGV[11], ARGV[12], ARGV[13])
end
if ARGV[9] ~= '' then redis.call('PUBLISH', ARGV[9], ARGV[1]) end
if known[2] then
  local time = redis.call('TIME')
  if time[1] * 1000 < tonumber(known[2]) then redis.call('PUBLISH', ARGV[10], ARGV[1]) end
end
if kind == 'outcome' then return {'ok', 1} end
${HAS_PAGE(5)}
return {'ok', hasPage}
`;

/** KEYS task · ARGV for how long (ms). Marks a task, where there is one, as waited for. */
export const WAIT = `
local known = redis.call('HMGET', KEYS[1], 'r', 'w')
if not known[1] then return 0 end
local time = redis.call('TIME')
local till = time[1] * 1000 + math.ceil(time[2] / 1000) + ARGV[1]
if not known[2] or tonumber(known[2]) < till then redis.call('HSET', KEYS[1], 'w', string.format('%d', till)) end
return 1
`;

/** KEYS index · ARGV from ('+' or '(<id>'), how many, prefix of task keys. Returns {last id or '', snapshot, …}; forgets ids without a record. */
export const LIST = `
local found = {''}
local from, want = ARGV[1], tonumber(ARGV[2])
while #found <= want do
  local ids = redis.call('ZRANGE', KEYS[1], from, '-', 'BYLEX', 'REV', 'LIMIT', 0, want)
  if #ids == 0 then return found end
  for _, id in ipairs(ids) do
    local snapshot = redis.call('HGET', ARGV[3] .. id, 's')
    if snapshot then
      found[#found + 1] = snapshot
      found[1] = id
      if #found > want then return found end
    else
      redis.call('ZREM', KEYS[1], id)
    end
    from = '(' .. id
  end
end
return found
`;

/** KEYS page · ARGV field (o | v), time (ms), ttl (s). Times never go back: webhooks may come late and out of order. */
export const PAGE = `
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known or tonumber(known) < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
`;

/** KEYS lease · ARGV holder, ttl (ms). Returns 1 for the holder, 0 for anybody else. */
export const LEASE = `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;
