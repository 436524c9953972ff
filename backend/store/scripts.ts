/**
 * The Lua that Redis runs: each script is one atomic step, whatever dies around it. Every loop in them has a bound, and
 * every time in them is Redis' own: processes differ in their clocks, and Redis is what they share.
 *
 * Keys, all under the backend's prefix:
 *   task:<id>         hash  r revision
 *                           s snapshot, as a list shows it: a result that makes it bigger than an event is left out
 *                           R the result that was left out, as JSON; only `GET /:id` reads it
 *                           v when the owner saw the outcome (ms): an overlay of `s`, which stays as it is
 *                           o owner
 *                           i input as its schema gave it, x as it came where that differs ('' where that was no JSON)
 *                           t id of the task that tries this one again
 *                           w until when (ms) somebody holds a request open until the task changes
 *                           n how often it was started: the run that is on, or was the last
 *                           k the worker that runs it, '' for none; b when that began (ms)
 *                           p the progress of a run that was handed back, as JSON, '' for none
 *                           q what is held against it, as JSON (blame.ts)
 *                           expires after the retention once finished
 *   definitions       set   names of the definitions that servers start
 *   workers           hash  worker id -> what it handles (worker-registry.ts)
 *   worker:<id>       text  a worker's sign of life; expires
 *   running:<worker>  hash  ids of the tasks that a worker runs -> how they were started: free, probation, alone
 *   ended:<worker>    text  ids of tasks beyond their deadlines with which a worker's process was ended, for a day
 *   verdict:<worker>  text  what was decided about the tasks of a dead worker (lost-workers.ts), for an hour
 *   all:<owner>       zset  ids of the owner's tasks, all scores 0: ids sort by time of creation
 *   active:<owner>    zset  those of them without an outcome
 *   unseen:<owner>    zset  those of them whose outcome the owner has not seen: the inbox
 *   idem:<owner>:<h>  text  "<hash of the body> <id>" of an Idempotency-Key, for 24 h
 *   page:<channel>    hash  o, v: when a page last entered the owner's channel, and when the last one left it (ms, Redis' clock);
 *                           w: whose it is. Only where we authorized a page
 *   unpublished       zset  ids whose outcome may not have been pushed, by the time of the outcome (ms)
 *   lease:<name>      text  who does something that one process does at a time; expires
 *   durations:<name>  list  how long the last successful attempts of a definition took (ms); expires after a month
 *                           without one
 *   queue:<name>:…          bee-queue's own
 *   probe             text  what a health check writes; expires at once
 *
 * Records expire by themselves and leave their ids in the indexes. Such an id goes when a list comes across it, and a new
 * task looks for some (CREATE), so an owner who never looks keeps few. `all` holds every id of the other two, and an id
 * leaves all three at once. Records of 0.1.0 have big results in `s` and no R.
 */

import { ADD_JOB } from '../queue/queue.ts';

/** A definition that nobody runs any more leaves nothing behind. */
const DURATIONS_TTL_S = 30 * 24 * 3_600;

/** In Lua: `now`, by Redis' clock, in ms. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** In Lua: 0 when the channel of KEYS[n] is known to be vacant, else 1. */
const HAS_PAGE = (n: number) => `
local page = redis.call('HMGET', KEYS[${n}], 'o', 'v')
local watched = 1
if page[2] and (not page[1] or tonumber(page[2]) > tonumber(page[1])) then watched = 0 end
`;

/** In Lua: takes the ids in `gone` out of the indexes KEYS[from] to KEYS[from + 2]. One call takes up to 1,000. */
const FORGET = (from: number) => `
if #gone > 0 then
  for n = ${from}, ${from + 2} do redis.call('ZREM', KEYS[n], unpack(gone)) end
end
`;

/**
 * KEYS task, all, active, unseen, idem, page; where the task tries another again: that other
 * ARGV id, snapshot, owner, input, body hash, idem ttl (s), prefix of task keys, queue, job;
 *      to forget ids without a record: how many ids to look at at most (0 for none), which of KEYS they are in, and from
 *      where: 0 for the oldest, up to 1 for the newest; the raw input, where it is kept
 * Stores a task and gives it its job: accepted is both or neither. Returns {what the key stands for or '', watched}.
 */
export const CREATE = `
local known
if ARGV[5] ~= '' then known = redis.call('GET', KEYS[5]) end
if not known and KEYS[7] then
  local again = redis.call('HGET', KEYS[7], 't')
  if again then known = ARGV[5] .. ' ' .. again end
end
if known then return {known, 1} end
if redis.call('ZADD', KEYS[2], 'NX', 0, ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], 'r', 1, 's', ARGV[2], 'o', ARGV[3], 'i', ARGV[4])
  if ARGV[13] then redis.call('HSET', KEYS[1], 'x', ARGV[13]) end
  redis.call('PERSIST', KEYS[2])
  redis.call('ZADD', KEYS[3], 0, ARGV[1])
  ${ADD_JOB}
  addJob(ARGV[8], ARGV[9], '')
  if ARGV[5] ~= '' then redis.call('SET', KEYS[5], ARGV[5] .. ' ' .. ARGV[1], 'EX', ARGV[6]) end
  if KEYS[7] and redis.call('EXISTS', KEYS[7]) == 1 then redis.call('HSET', KEYS[7], 't', ARGV[1]) end
  if ARGV[10] ~= '0' then
    local index, most, kept, gone = KEYS[tonumber(ARGV[11])], tonumber(ARGV[10]), 0, {}
    local from = math.floor(math.max(redis.call('ZCARD', index) - most, 0) * ARGV[12])
    for _, id in ipairs(redis.call('ZRANGE', index, from, from + most - 1)) do
      if redis.call('EXISTS', ARGV[7] .. id) == 0 then gone[#gone + 1] = id else kept = kept + 1 end
      -- Ids expire side by side. A few that are kept mean that there is little to be had here.
      if kept == 3 then break end
    end
    ${FORGET(2)}
  end
end
${HAS_PAGE(6)}
return {'', watched}
`;

/**
 * KEYS task, all, active · ARGV id, retention (s). Forgets a task that nobody has touched since it was created; its job
 * finds nothing.
 */
export const DISCARD = `
if redis.call('HGET', KEYS[1], 'r') ~= '1' then return 0 end
redis.call('DEL', KEYS[1])
for n = 2, 3 do redis.call('ZREM', KEYS[n], ARGV[1]) end
-- As at an outcome: where nothing is active, what is left has ended and will expire.
if redis.call('ZCARD', KEYS[3]) == 0 then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
return 1
`;

/**
 * KEYS task, all, active, unseen, page, unpublished, durations
 * ARGV id, expected revision, new revision, snapshot, kind (step | outcome), result that the snapshot leaves out (JSON or
 *      ''), retention (s), duration (ms or ''), channel to publish the id on ('' for none), channel for the ids of changed
 *      tasks that are waited for, how many ids of expired records to take off `unpublished` at most (0 for none),
 *      prefix of running keys, the run this belongs to ('' for none), what it does to that run: '', 'start' or 'end'; for
 *      a start: worker, how (free | probation | alone); for an end: progress to hold or '', suspicion or ''; where the
 *      task waits for a job from now on: queue, job, when it is due (ms, or '' for at once)
 * Returns {'ok', watched}, {'missing'}, {'stale'} (another run has begun) or {'conflict', snapshot, seen}. For an outcome
 * nobody looks whether there is a page.
 */
export const COMMIT = `
local known = redis.call('HMGET', KEYS[1], 'r', 'w', 'n', 'k')
if not known[1] then return {'missing'} end
if ARGV[13] ~= '' and known[3] and known[3] ~= ARGV[13] then return {'stale'} end
if known[1] ~= ARGV[2] then
  local stored = redis.call('HMGET', KEYS[1], 's', 'v')
  return {'conflict', stored[1], stored[2] or ''}
end
local changed = {'r', ARGV[3], 's', ARGV[4]}
local function set(...)
  for _, text in ipairs({...}) do changed[#changed + 1] = text end
end
if ARGV[6] ~= '' then set('R', ARGV[6]) end
local isOutcome, isStart = ARGV[5] == 'outcome', ARGV[14] == 'start'
if isOutcome or isStart or known[2] then
  ${NOW}
  if isStart then
    set('n', ARGV[13] + 1, 'k', ARGV[15], 'b', string.format('%d', now))
    redis.call('HSET', ARGV[12] .. ARGV[15], ARGV[1], ARGV[16])
  end
  if known[2] and now < tonumber(known[2]) then redis.call('PUBLISH', ARGV[10], ARGV[1]) end
  if isOutcome then redis.call('ZADD', KEYS[6], now, ARGV[1]) end
  if isOutcome and ARGV[11] ~= '0' then
    local expired = redis.call('ZRANGE', KEYS[6], '-inf', now - ARGV[7] * 1000, 'BYSCORE', 'LIMIT', 0, ARGV[11])
    if #expired > 0 then redis.call('ZREM', KEYS[6], unpack(expired)) end
  end
end
if ARGV[14] == 'end' and known[4] then
  set('k', '', 'p', ARGV[15])
  if ARGV[16] ~= '' then set('q', ARGV[16]) end
  redis.call('HDEL', ARGV[12] .. known[4], ARGV[1])
end
redis.call('HSET', KEYS[1], unpack(changed))
if isOutcome then
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[7])
  redis.call('ZADD', KEYS[4], 0, ARGV[1])
  redis.call('EXPIRE', KEYS[4], ARGV[7])
  if redis.call('ZCARD', KEYS[3]) == 0 then redis.call('EXPIRE', KEYS[2], ARGV[7]) end
  if ARGV[8] ~= '' then
    -- The last 50 are read; to cut the list each time would be one command more for each task.
    local runs = redis.call('LPUSH', KEYS[7], ARGV[8])
    if runs > 100 then redis.call('LTRIM', KEYS[7], 0, 49) end
    if runs % 10 == 1 then redis.call('EXPIRE', KEYS[7], ${DURATIONS_TTL_S}) end
  end
end
if ARGV[17] then
  ${ADD_JOB}
  addJob(ARGV[17], ARGV[18], ARGV[19])
end
if ARGV[9] ~= '' then redis.call('PUBLISH', ARGV[9], ARGV[1]) end
if isOutcome then return {'ok', 1} end
${HAS_PAGE(5)}
return {'ok', watched}
`;

/**
 * KEYS task · ARGV owner, fields. Returns those fields of the owner's task, or nil. For a task of somebody else no more
 * is read than for none, so that nobody can tell by the time it takes.
 */
export const READ = `
if redis.call('HGET', KEYS[1], 'o') ~= ARGV[1] then return false end
return redis.call('HMGET', KEYS[1], unpack(ARGV, 2))
`;

/** KEYS task · ARGV for how long (ms). Marks a task, where there is one, as waited for. Returns {snapshot, seen}, or nil. */
export const WAIT = `
local known = redis.call('HMGET', KEYS[1], 's', 'v', 'w')
if not known[1] then return false end
${NOW}
local till = now + ARGV[1]
if not known[3] or tonumber(known[3]) < till then redis.call('HSET', KEYS[1], 'w', string.format('%d', till)) end
return {known[1], known[2] or ''}
`;

/**
 * KEYS all, active, unseen · ARGV which of KEYS, from ('+' or '(<id>'), how many snapshots at most, how many ids to look
 *      at at most, prefix of task keys
 * Returns {where to go on or '' at the end, snapshot, seen, snapshot, seen, …}; forgets ids without a record.
 */
export const LIST = `
local index, from, want, left = KEYS[tonumber(ARGV[1])], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local found, gone = {''}, {}
repeat
  -- As many as are missing; of those that turn out to be gone, more and more at once.
  local size = math.min(want + #gone, left)
  local ids = redis.call('ZRANGE', index, from, '-', 'BYLEX', 'REV', 'LIMIT', 0, size)
  for _, id in ipairs(ids) do
    if want == 0 then break end
    local stored = redis.call('HMGET', ARGV[5] .. id, 's', 'v')
    if stored[1] then
      found[#found + 1] = stored[1]
      found[#found + 1] = stored[2] or ''
      want = want - 1
    else
      gone[#gone + 1] = id
    end
    found[1], from, left = id, '(' .. id, left - 1
  end
  if want > 0 and #ids < size then
    found[1] = ''
    break
  end
until want == 0 or left == 0
${FORGET(1)}
return found
`;

/**
 * KEYS unseen · ARGV prefix of task keys, ids. Takes outcomes out of the inbox; others are passed over.
 * Returns {when (ms), id, …}: those that were in it.
 */
export const SEE = `
${NOW}
local seen = {now}
for n = 2, #ARGV do
  if redis.call('ZREM', KEYS[1], ARGV[n]) == 1 then
    local task = ARGV[1] .. ARGV[n]
    -- A record that has expired must not come back as a mark without a task.
    if redis.call('EXISTS', task) == 1 then
      redis.call('HINCRBY', task, 'r', 1)
      redis.call('HSET', task, 'v', string.format('%d', now))
      seen[#seen + 1] = ARGV[n]
    end
  end
end
return seen
`;

/** KEYS unpublished · ARGV age (ms), how many. Returns the ids that have been there for longer than that, oldest first. */
export const UNPUBLISHED = `
${NOW}
return redis.call('ZRANGE', KEYS[1], '-inf', now - ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
`;

/** KEYS page · ARGV ttl (s), owner or ''. A page of the owner is open now; '' says so only of an owner who is known. */
export const PAGE = `
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'w', ARGV[2])
elseif redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
${NOW}
redis.call('HSET', KEYS[1], 'o', string.format('%d', now))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
`;

/**
 * KEYS page · ARGV field (o | v), time (ms, the bus's clock), ttl (s), prefix of active keys, how far ahead (ms) and how
 *      old (ms) the time may be
 * What the bus says of a channel. Returns 'unknown' where no page was ever authorized, 'unbelieved' where the time is
 * ahead or old, 'vacated' where an owner with active tasks counts as gone from now on, else 'noted'. Times never go
 * back: webhooks may come late and out of order. A time that is ahead, if by little, counts as now: a page that opens
 * in the next moment is the newer one.
 */
export const WEBHOOK = `
local known = redis.call('HMGET', KEYS[1], ARGV[1], 'w', 'o')
if not known[2] then return 'unknown' end
${NOW}
local at = tonumber(ARGV[2])
if at > now + ARGV[5] or at < now - ARGV[6] then return 'unbelieved' end
at = math.min(at, now)
redis.call('EXPIRE', KEYS[1], ARGV[3])
if known[1] and tonumber(known[1]) >= at then return 'noted' end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d', at))
if ARGV[1] == 'v' and at > tonumber(known[3] or 0) and redis.call('ZCARD', ARGV[4] .. known[2]) > 0 then
  return 'vacated'
end
return 'noted'
`;

/** KEYS lease · ARGV holder, ttl (ms). Returns 1 for the holder, 0 for anybody else. */
export const LEASE = `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

/** KEYS probe. Does what a task needs of Redis: a write, by a script. */
export const PROBE = `return redis.call('SET', KEYS[1], '1', 'PX', 1000)`;
