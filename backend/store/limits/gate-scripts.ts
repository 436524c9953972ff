/**
 * Gates: how many tasks with one concurrency key may be at work at once, in Redis. Lua functions for the scripts that store,
 * end or remove a task, and for the one that moves delayed jobs to the line.
 *
 * A gate belongs to a definition and a key. Its name is `<definition>:<hash of the key>`.
 *
 * - `gate:<gate>` has the tasks that went in: those whose job is in the line, that run, or that wait for a retry. They stay in
 *   until they have an outcome.
 * - `gate:<gate>:waiting` has the tasks that wait outside, in the order in which they came. Their jobs are in no line yet.
 * - Whatever ends or removes a task takes it out, and lets the next one in, in the same step. So nobody waits while there is room.
 * - A task that is to start later comes to the gate when its time has come.
 *
 * A task inside whose record is gone, or has an outcome, does not count. Whoever comes next finds out, or the sweeper does, which
 * looks at each gate after 10 s, then every 10 s while tasks wait there, else every 10 min.
 */

import { BAND, ENQUEUE_JOB } from '../../queue/line-scripts.ts';
import type { LuaFunction } from '../commands/lua.ts';
import { FIELD } from '../record.ts';

/** How soon the sweeper looks at a gate, in ms: where somebody came lately or waits, and elsewhere. */
const LOOK_MS = 10_000;
const SELDOM_MS = 600_000;

/** Behind the prefix of all keys: all gates, and tasks that others replace. `keys.ts` explains them. */
export const GATES = 'gates';
export const REPLACED = 'replaced';

/** How many tasks that wait one start replaces. There are as many only if the definition has said `wait` before. */
const MOST_REPLACED = 100;

/** `base` is the prefix of all keys. `taskPrefix` is that and `task:`. */
const BASE = `
local function baseOf(taskPrefix)
  return string.sub(taskPrefix, 1, -${'task:'.length + 1})
end
`;

/** Lua that defines `fillGate(base, gate)`, which lets tasks in while there is room, and `cleanGate(base, gate)`, see above. */
const FILL_GATE = `${ENQUEUE_JOB}
local function isActiveOf(base, id)
  local owner = redis.call('HGET', base .. 'task:' .. id, '${FIELD.owner}')
  return owner and redis.call('ZSCORE', base .. 'active:' .. owner, id) and owner
end
local function cleanGate(base, gate)
  for _, id in ipairs(redis.call('ZRANGE', base .. 'gate:' .. gate, 0, -1)) do
    if not isActiveOf(base, id) then redis.call('ZREM', base .. 'gate:' .. gate, id) end
  end
end
local function fillGate(base, gate)
  local inside = base .. 'gate:' .. gate
  local waiting, name = inside .. ':waiting', string.match(gate, '^[^:]*')
  while true do
    local first = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
    local id, place = first[1], first[2]
    if not id then
      if redis.call('EXISTS', inside) == 0 then redis.call('ZREM', base .. '${GATES}', gate) end
      return
    end
    local owner = isActiveOf(base, id)
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

/** Lua that defines `enterGate(base, gate, id, now)`: a stored task comes to its gate, and goes in or waits. */
export const ENTER_GATE = `${FILL_GATE}
local function enterGate(base, gate, id, now)
  local inside = base .. 'gate:' .. gate
  local last = redis.call('ZRANGE', inside .. ':waiting', -1, -1, 'WITHSCORES')[2]
    or redis.call('ZRANGE', inside, -1, -1, 'WITHSCORES')[2] or 0
  redis.call('ZADD', inside .. ':waiting', last + 1, id)
  redis.call('ZADD', base .. '${GATES}', 'LT', now + ${LOOK_MS}, gate)
  fillGate(base, gate)
end
`;

/** `isInGate(taskPrefix, gate, id)`: whether this task, or one that it is a child of, is in the gate. */
export const isInGate: LuaFunction = {
  name: 'isInGate',
  lua: `
local function isInGate(taskPrefix, gate, id)
${BASE}
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

/** `passGate(taskPrefix, gate, id, now)`: a stored task comes to its gate; its job is added to the line when it goes in. */
export const passGate: LuaFunction = {
  name: 'passGate',
  lua: `
local function passGate(taskPrefix, gate, id, now)
${BASE}${ENTER_GATE}
  enterGate(baseOf(taskPrefix), gate, id, now)
end
`,
};

/**
 * `askGate(taskPrefix, gate, limit, whenBusy)`: whether a task may be stored. Answers nil if it may, `'busy'` if it is refused,
 * `'joined', id` if there is a task to join, `'replaces', ids` if it may and others are to be cancelled for it.
 */
export const askGate: LuaFunction = {
  name: 'askGate',
  lua: `
local function askGate(taskPrefix, gate, limit, whenBusy)
${BASE}${FILL_GATE}
  local base = baseOf(taskPrefix)
  cleanGate(base, gate)
  fillGate(base, gate)
  local inside = base .. 'gate:' .. gate
  local ids = redis.call('ZRANGE', inside, 0, -1)
  if #ids + redis.call('ZCARD', inside .. ':waiting') < limit then return end
  if whenBusy == 'refuse' then return 'busy' end
  -- A task that is being cancelled already is no task to join, and need not be cancelled again.
  local going = {}
  for _, id in ipairs(ids) do
    local snapshot = redis.call('HGET', taskPrefix .. id, '${FIELD.snapshot}')
    if cjson.decode(snapshot).status ~= 'cancelling' then going[#going + 1] = id end
  end
  if whenBusy == 'join' then
    local id = going[#going] or redis.call('ZRANGE', inside .. ':waiting', -1, -1)[1]
    if id then return 'joined', id end
  elseif whenBusy == 'replace' then
    for _, id in ipairs(redis.call('ZRANGE', inside .. ':waiting', 0, ${MOST_REPLACED - 1})) do going[#going + 1] = id end
    if #going >= limit then return 'replaces', {unpack(going, 1, #going + 1 - limit)} end
  end
end
`,
};

/** `openGate(base, gate, now)`: takes out tasks that do not count, lets others in, and says when to look again. */
export const openGate: LuaFunction = {
  name: 'openGate',
  lua: `
local function openGate(base, gate, now)
${FILL_GATE}
  cleanGate(base, gate)
  fillGate(base, gate)
  local again = ${SELDOM_MS}
  if redis.call('EXISTS', base .. 'gate:' .. gate .. ':waiting') == 1 then again = ${LOOK_MS} end
  redis.call('ZADD', base .. '${GATES}', 'XX', now + again, gate)
end
`,
};

/** `leaveGate(taskPrefix, gate, id)`: a task has ended, or is removed. `gate` is the field of its record; false if it has none. */
export const leaveGate: LuaFunction = {
  name: 'leaveGate',
  lua: `
local function leaveGate(taskPrefix, gate, id)
  if not gate then return end
${BASE}${FILL_GATE}
  local base, name = baseOf(taskPrefix), string.match(gate, ' (.*)')
  redis.call('ZREM', base .. 'gate:' .. name, id)
  redis.call('ZREM', base .. 'gate:' .. name .. ':waiting', id)
  fillGate(base, name)
end
`,
};
