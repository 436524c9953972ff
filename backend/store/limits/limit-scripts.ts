/**
 * Limits on starts, in Redis: Lua functions that refuse or count a start, and the encoder of their arguments. It serves
 * create-task, and the commands that end or remove a task.
 *
 * Each limit on active tasks has a set of their ids. For all tasks of one owner that is the index `active:<owner>`. For each other
 * limit, such as one on an owner's tasks of one definition, create-task adds the id to a set of its own and notes this set in the
 * record (`countedIn`). Whatever ends or removes the task takes the id out. So there is no counter that could become wrong.
 *
 * Each limit on starts within a minute has a list of start times, the newest first, cut at the number that is allowed. If the
 * list is full, one more start is allowed once its last time is 60 s ago.
 */

import type { StartLimit } from '../../../core/tasks/task-limits.ts';
import type { LuaFunction } from '../commands/lua.ts';
import type { Keys } from '../keys.ts';
import { FIELD } from '../record.ts';
import { OWNER_IF_ACTIVE } from './active-owner.ts';

/** How soon to try again after a limit on active tasks, in ms. An estimate: nobody knows when an active task will end. */
export const ASK_AGAIN_MS = 10_000;
/** The length of a minute, for limits on starts, in seconds. */
export const MINUTE_S = 60;
/** How many ids of a full set are checked when a start is refused because of it. */
const CHECKED_IDS = 64;

/**
 * `exceededLimit(limits, now, taskPrefix)` looks for limits that a start would exceed. Of several it answers the one with the
 * longest wait: its number in `limits` (from 1), and in how many ms to try again. Nil if there is none. `limits` is the decoded
 * JSON of {@link encodeLimits}.
 *
 * A set may hold ids of tasks that are not active: Redis has lost a record, or a worker of an earlier version has ended the
 * task. So 64 ids of a full set are checked, and other ones at each refusal.
 */
export const exceededLimit: LuaFunction = {
  name: 'exceededLimit',
  lua: `${OWNER_IF_ACTIVE}
local function exceededLimit(limits, now, taskPrefix)
  local function isFull(set, max)
    local count = redis.call('ZCARD', set)
    if count < max then return false end
    -- The ids to check begin at a place that differs from call to call.
    local from = now % count
    for _, id in ipairs(redis.call('ZRANGE', set, from, from + ${CHECKED_IDS - 1})) do
      if not ownerIfActive(baseOf(taskPrefix), id) then redis.call('ZREM', set, id) end
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

/** `countStart(limits, now, task, id)`: counts the start of the task `id`, whose record is `task`. */
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

/** `uncount(countedIn, id)`: takes an ended or removed task out of its sets. `countedIn`: the field; false if the task has none. */
export const uncount: LuaFunction = {
  name: 'uncount',
  lua: `
local function uncount(countedIn, id)
  if not countedIn then return end
  for _, set in ipairs(cjson.decode(countedIn)) do redis.call('ZREM', set, id) end
end
`,
};

/** The argument `limits` of the functions above: JSON, '' for no limits. @param owner who starts the task */
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
