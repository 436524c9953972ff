/**
 * Gates, in Redis. A gate limits how many tasks with one concurrency key are at work at once. It is a counting semaphore with a
 * queue: at most `limit` tasks are inside, and the others wait outside. This file has Lua functions for the scripts that store,
 * end or remove a task, and for the one that moves delayed jobs to the line.
 *
 * A gate belongs to a definition and a key. Its name is `<definition>:<hash of the key>`.
 *
 * - `gate:<gate>` has the tasks inside: their jobs are in the line, or they run, or they wait for their next attempt. A task
 *   stays inside until it has an outcome.
 * - `gate:<gate>:waiting` has the tasks outside, in the order in which they came. Their jobs are not in the line yet.
 * - The script that ends or removes a task takes it out and lets the next one in. So nobody waits while there is room.
 * - A task with a start time comes to the gate at that time.
 *
 * A task inside does not count if it has no record or has an outcome. The next task that is started with the same key removes
 * it, or the sweeper does. The sweeper checks a gate 10 s after a task has come, then every 10 s while tasks wait, otherwise
 * every 10 min.
 */

import { BAND, ENQUEUE_JOB } from '../../queue/line-scripts.ts';
import type { LuaFunction } from '../commands/lua.ts';
import { FIELD } from '../record.ts';
import { OWNER_IF_ACTIVE } from './active-owner.ts';

/** When the sweeper next checks a gate to which a task has just come, or where tasks wait. */
const CHECK_BUSY_MS = 10_000;
/** When the sweeper next checks any other gate. */
const CHECK_QUIET_MS = 600_000;

/** The key of the set of all gates, without the prefix of all keys (keys.ts). */
export const GATES = 'gates';
/** The key of the set of tasks that others replace, without the prefix of all keys (keys.ts). */
export const REPLACED = 'replaced';

/** One start replaces at most this many waiting tasks. So many wait only if the definition said `wait` before. */
const MOST_REPLACED = 100;

/**
 * Lua that defines `cleanGate(base, gate)`, which removes tasks that do not count, and `fillGate(base, gate)`, which lets waiting
 * tasks in while there is room.
 */
const FILL_GATE = `${ENQUEUE_JOB}${OWNER_IF_ACTIVE}
local function cleanGate(base, gate)
  for _, id in ipairs(redis.call('ZRANGE', base .. 'gate:' .. gate, 0, -1)) do
    if not ownerIfActive(base, id) then redis.call('ZREM', base .. 'gate:' .. gate, id) end
  end
end
local function fillGate(base, gate)
  local inside = base .. 'gate:' .. gate
  local waiting, name = inside .. ':waiting', string.match(gate, '^[^:]*')
  -- Each round lets the first waiting task in, or removes it if it does not count.
  while true do
    local first = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
    local id, place = first[1], first[2]
    if not id then
      if redis.call('EXISTS', inside) == 0 then redis.call('ZREM', base .. '${GATES}', gate) end
      return
    end
    local owner = ownerIfActive(base, id)
    if owner then
      local stored = redis.call('HMGET', base .. 'task:' .. id, '${FIELD.gate}', '${FIELD.band}')
      if redis.call('ZCARD', inside) >= tonumber(string.match(stored[1], '^%d+')) then return end
      redis.call('ZADD', inside, place, id)
      local line, turns = base .. 'line:' .. name, base .. 'turns:' .. name
      local band = stored[2] or ${BAND.normal}
      enqueueJob(base .. 'queue:' .. name .. ':', line, turns, base .. 'task:', owner, id .. ':1', band, '')
    end
    redis.call('ZREM', waiting, id)
  end
end
`;

/**
 * Lua that defines `enterGate(base, gate, id, now)`: a stored task comes to its gate. If there is room, it goes in, and its job is
 * added to the line. Otherwise it waits.
 */
export const ENTER_GATE = `${FILL_GATE}
local function enterGate(base, gate, id, now)
  local inside = base .. 'gate:' .. gate
  -- Tasks are in the order in which they came: each gets the next number.
  local last = redis.call('ZRANGE', inside .. ':waiting', -1, -1, 'WITHSCORES')[2]
    or redis.call('ZRANGE', inside, -1, -1, 'WITHSCORES')[2] or 0
  redis.call('ZADD', inside .. ':waiting', last + 1, id)
  redis.call('ZADD', base .. '${GATES}', 'LT', now + ${CHECK_BUSY_MS}, gate)
  fillGate(base, gate)
end
`;

/** `isInGate(taskPrefix, gate, id)`: whether this task, its parent, or the parent of that is inside the gate. */
export const isInGate: LuaFunction = {
  name: 'isInGate',
  lua: `
local function isInGate(taskPrefix, gate, id)
${OWNER_IF_ACTIVE}
  local inside = baseOf(taskPrefix) .. 'gate:' .. gate
  while id do
    if redis.call('ZSCORE', inside, id) then return true end
    local snapshot = redis.call('HGET', taskPrefix .. id, '${FIELD.snapshot}')
    id = snapshot and cjson.decode(snapshot).parent
  end
  return false
end
`,
};

/** `passGate(taskPrefix, gate, id, now)`: the same as {@link ENTER_GATE} for scripts that know the prefix of tasks. */
export const passGate: LuaFunction = {
  name: 'passGate',
  lua: `
local function passGate(taskPrefix, gate, id, now)
${ENTER_GATE}
  enterGate(baseOf(taskPrefix), gate, id, now)
end
`,
};

/**
 * `askGate(taskPrefix, gate, limit, whenBusy)`: whether a new task may be stored. Answers nil if it may, `'busy'` if it is
 * refused, `'joined', id` if it joins another task instead, or `'replaces', ids` if it may and these tasks have to be cancelled.
 */
export const askGate: LuaFunction = {
  name: 'askGate',
  lua: `
local function askGate(taskPrefix, gate, limit, whenBusy)
${FILL_GATE}
  local base = baseOf(taskPrefix)
  cleanGate(base, gate)
  fillGate(base, gate)
  local inside = base .. 'gate:' .. gate
  local ids = redis.call('ZRANGE', inside, 0, -1)
  if #ids + redis.call('ZCARD', inside .. ':waiting') < limit then return end
  if whenBusy == 'refuse' then return 'busy' end
  -- A task that is being cancelled cannot be joined, and need not be cancelled again.
  local others = {}
  for _, id in ipairs(ids) do
    local snapshot = redis.call('HGET', taskPrefix .. id, '${FIELD.snapshot}')
    if cjson.decode(snapshot).status ~= 'cancelling' then others[#others + 1] = id end
  end
  if whenBusy == 'join' then
    local id = others[#others] or redis.call('ZRANGE', inside .. ':waiting', -1, -1)[1]
    if id then return 'joined', id end
  elseif whenBusy == 'replace' then
    for _, id in ipairs(redis.call('ZRANGE', inside .. ':waiting', 0, ${MOST_REPLACED - 1})) do others[#others + 1] = id end
    if #others >= limit then return 'replaces', {unpack(others, 1, #others + 1 - limit)} end
  end
end
`,
};

/** `repairGate(base, gate, now)`: removes tasks that do not count, lets others in, and notes when to check the gate again. */
export const repairGate: LuaFunction = {
  name: 'repairGate',
  lua: `
local function repairGate(base, gate, now)
${FILL_GATE}
  cleanGate(base, gate)
  fillGate(base, gate)
  local again = ${CHECK_QUIET_MS}
  if redis.call('EXISTS', base .. 'gate:' .. gate .. ':waiting') == 1 then again = ${CHECK_BUSY_MS} end
  redis.call('ZADD', base .. '${GATES}', 'XX', now + again, gate)
end
`,
};

/**
 * `leaveGate(taskPrefix, gate, id)`: a task has ended or is removed. `gate`: the field of its record, `<limit> <gate>`; false if it
 * has none.
 */
export const leaveGate: LuaFunction = {
  name: 'leaveGate',
  lua: `
local function leaveGate(taskPrefix, gate, id)
  if not gate then return end
${FILL_GATE}
  local base, name = baseOf(taskPrefix), string.match(gate, ' (.*)')
  redis.call('ZREM', base .. 'gate:' .. name, id)
  redis.call('ZREM', base .. 'gate:' .. name .. ':waiting', id)
  fillGate(base, name)
end
`,
};
