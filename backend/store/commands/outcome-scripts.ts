/** Lua functions for what an outcome does besides its record. They serve commit-change, which stores it. */

import type { LuaFunction } from './lua.ts';

/** A definition's usual duration is the median of its latest successful first attempts: of this many. */
export const DURATIONS_KEPT = 50;
/** 30 days. After that, the durations of a definition that nobody runs any more are deleted. */
const DURATIONS_TTL_S = 30 * 24 * 3_600;

/**
 * `queueForHooks(registered, hookPrefix, id, now, retention)`: puts the outcome of the task `id` on the list of each registered
 * hook (hooks/hook-queue.ts). Answers whether the hook that runs at once is among them.
 */
export const queueForHooks: LuaFunction = {
  name: 'queueForHooks',
  lua: `
local function queueForHooks(registered, hookPrefix, id, now, retention)
  local hasImmediate = false
  for _, hook in ipairs(registered) do
    local delay = string.match(hook, '%d+$')
    redis.call('ZADD', hookPrefix .. hook, now + delay, id)
    redis.call('EXPIRE', hookPrefix .. hook, math.ceil(retention + delay / 1000))
    if delay == '0' then hasImmediate = true end
  end
  return hasImmediate
end
`,
};

/** `removeOldest(index, latest, count)`: removes up to `count` ids whose score is at most `latest`. */
export const removeOldest: LuaFunction = {
  name: 'removeOldest',
  lua: `
local function removeOldest(index, latest, count)
  local old = redis.call('ZRANGE', index, '-inf', latest, 'BYSCORE', 'LIMIT', 0, count)
  if #old > 0 then redis.call('ZREM', index, unpack(old)) end
end
`,
};

/** `keepDuration(durations, duration)`: adds a duration to the recent ones of its definition. */
export const keepDuration: LuaFunction = {
  name: 'keepDuration',
  lua: `
local function keepDuration(durations, duration)
  redis.call('LPUSH', durations, duration)
  redis.call('LTRIM', durations, 0, ${DURATIONS_KEPT - 1})
  redis.call('EXPIRE', durations, ${DURATIONS_TTL_S})
end
`,
};
