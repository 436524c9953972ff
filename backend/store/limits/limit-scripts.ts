/**
 * Limits of what may be started, in Redis: Lua functions that refuse or count a start, and what they are told. It serves
 * create-task, and the commands that end or remove a task.
 *
 * An active task is in a set for each limit that counts active tasks. The tasks of one owner are in a set anyway
 * (`active:<owner>`). For the other limits create-task adds the id to a set of its own, notes the set in the record
 * (`countedIn`), and whatever ends or removes the task takes the id out. So there is no counter that could be wrong.
 *
 * For starts within a minute, a list has the times of the latest ones, the newest first, as many as are allowed. One more is
 * allowed if the last time in the full list is 60 s ago.
 */

import type { StartLimit } from '../../../core/tasks/task-limits.ts';
import type { LuaFunction } from '../commands/lua.ts';
import type { Keys } from '../keys.ts';
import { FIELD } from '../record.ts';

/** Nobody knows when an active task will end, so a caller is told to ask again in 10 s. */
export const ASK_AGAIN_MS = 10_000;
export const MINUTE_S = 60;
/** How many ids of a full set are checked when a start is refused because of it. */
const CHECKED_IDS = 64;

/** Lua that defines `isActive(taskPrefix, activePrefix, id)`: whether there is a task with that id that has no outcome. */
const IS_ACTIVE = `
local function isActive(taskPrefix, activePrefix, id)
  local owner = redis.call('HGET', taskPrefix .. id, '${FIELD.owner}')
  return owner and redis.call('ZSCORE', activePrefix .. owner, id)
end
`;

/**
 * `exceededLimit(limits, now, taskPrefix, activePrefix)`: of the limits that a start would exceed, the one that takes longest:
 * its number in `limits`, and in how many ms to try again. Nil if none. `limits` is what {@link encodeLimits} makes, decoded.
 *
 * Redis may have lost a record, and a worker of an earlier version takes no id out of a set. So of a full set 64 ids are
 * checked, others at each refusal.
 */
export const exceededLimit: LuaFunction = {
  name: 'exceededLimit',
  lua: `${IS_ACTIVE}
local function exceededLimit(limits, now, taskPrefix, activePrefix)
  local function isFull(set, max)
    local count = redis.call('ZCARD', set)
    if count < max then return false end
    local from = now % count
    for _, id in ipairs(redis.call('ZRANGE', set, from, from + ${CHECKED_IDS - 1})) do
      if not isActive(taskPrefix, activePrefix, id) then redis.call('ZREM', set, id) end
    end
    return redis.call('ZCARD', set) >= max
  end
  local slowest, longest
  for n, limit in ipairs(limits) do
    local ms = 0
    if limit.kind == 'startsPerMinute' then
      local last = redis.call('LRANGE', limit.key, limit.max - 1, limit.max - 1)[1]
      local before = now - (last or 0)
      if before >= 0 and before < ${MINUTE_S * 1_000} then ms = ${MINUTE_S * 1_000} - before end
    elseif isFull(limit.key, limit.max) then
      ms = ${ASK_AGAIN_MS}
    end
    if ms > (longest or 0) then slowest, longest = n, ms end
  end
  return slowest, longest
end
`,
};

/** `countStart(limits, now, task, id)`: counts the start of a task that is stored. */
export const countStart: LuaFunction = {
  name: 'countStart',
  lua: `
local function countStart(limits, now, task, id)
  local sets = {}
  for _, limit in ipairs(limits) do
    if limit.kind == 'startsPerMinute' then
      redis.call('LPUSH', limit.key, now)
      redis.call('LTRIM', limit.key, 0, limit.max - 1)
      redis.call('EXPIRE', limit.key, ${MINUTE_S})
    elseif limit.counts then
      redis.call('ZADD', limit.key, 0, id)
      sets[#sets + 1] = limit.key
    end
  end
  if #sets > 0 then redis.call('HSET', task, '${FIELD.countedIn}', cjson.encode(sets)) end
end
`,
};

/** `uncount(countedIn, id)`: a task has ended, or is removed. `countedIn` is the field of its record; false if it has none. */
export const uncount: LuaFunction = {
  name: 'uncount',
  lua: `
local function uncount(countedIn, id)
  if not countedIn then return end
  for _, set in ipairs(cjson.decode(countedIn)) do redis.call('ZREM', set, id) end
end
`,
};

/** What the functions above get: JSON, '' for no limits. @param owner who starts the task */
export function encodeLimits(keys: Keys, owner: string, limits: readonly StartLimit[]): string {
  if (limits.length === 0) return '';
  return JSON.stringify(
    limits.map(({ kind, of, name, max }) => {
      const who = of === 'owner' ? owner : '';
      if (kind === 'startsPerMinute') return { kind, max, key: keys.starts(name ?? '', who) };
      // The owner's active tasks have an index already.
      if (who !== '' && name === null) return { kind, max, key: keys.active(who) };
      return { kind, max, key: keys.counted(name ?? '', who), counts: true };
    }),
  );
}
