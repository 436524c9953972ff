/**
 * Lua functions about a task whose handler has started others, and its children. The scripts that store a new task and a
 * change call them in the same step, so that each child is counted once, whatever crashes.
 *
 * A parent's record counts its children, and `task:<id>:children` names them. Whatever changes a family makes its parent's
 * `familyVersion` grow by one, and puts the parent on the list `parents`. Then a process brings the parent in step
 * (parent-updates.ts), and takes it off the list if the version is still the one that it has seen.
 */

import { MAX_CHILDREN, MAX_TASK_DEPTH } from '../../core/limits.ts';
import type { LuaFunction } from '../store/commands/lua.ts';
import { FIELD } from '../store/record.ts';

/** `noteFamily(parents, task, id, now)`: something has changed in the family of this parent. */
export const noteFamily: LuaFunction = {
  name: 'noteFamily',
  lua: `
local function noteFamily(parents, task, id, now)
  redis.call('HINCRBY', task, '${FIELD.familyVersion}', 1)
  redis.call('ZADD', parents, now, id)
end
`,
};

/**
 * `findChild(parent, run, key)`: the child that was started under `key` before, as `<hash of the input> <id>`; or nil and why
 * none may be started: `stale`, `too_deep` or `too_many`; or nothing. `parent` is the key of the parent's record.
 */
export const findChild: LuaFunction = {
  name: 'findChild',
  lua: `
local function findChild(parent, run, key)
  local stored = redis.call('HMGET', parent,
    '${FIELD.run}', '${FIELD.worker}', '${FIELD.depth}', '${FIELD.childrenTotal}')
  local worker = stored[2]
  -- Another run has begun, or this one has ended.
  if stored[1] ~= run or not worker or worker == '' then return nil, 'stale' end
  local child = redis.call('HGET', parent .. ':children', key)
  if child then return child end
  if tonumber(stored[3] or 1) >= ${MAX_TASK_DEPTH} then return nil, 'too_deep' end
  if tonumber(stored[4] or 0) >= ${MAX_CHILDREN} then return nil, 'too_many' end
end
`,
};

/** `adoptChild(parents, parent, parentId, task, key, child, now)`: adds a child, `<hash> <id>`, whose record is `task`. */
export const adoptChild: LuaFunction = {
  name: 'adoptChild',
  lua: `${noteFamily.lua}
local function adoptChild(parents, parent, parentId, task, key, child, now)
  redis.call('HSET', parent .. ':children', key, child)
  redis.call('HINCRBY', parent, '${FIELD.childrenTotal}', 1)
  redis.call('HSET', task, '${FIELD.depth}', (redis.call('HGET', parent, '${FIELD.depth}') or 1) + 1)
  noteFamily(parents, parent, parentId, now)
end
`,
};

/**
 * `countChild(parents, parent, parentId, hasFailed, now)`: counts a child that ends. 1 if the parent may end by it: it was the
 * last one, or it has failed; else 0. A parent that is gone counts nothing. To be used together with `noteFamily`.
 */
export const countChild: LuaFunction = {
  name: 'countChild',
  lua: `
local function countChild(parents, parent, parentId, hasFailed, now)
  local total = redis.call('HGET', parent, '${FIELD.childrenTotal}')
  if not total then return 0 end
  local ended = redis.call('HINCRBY', parent, '${FIELD.childrenEnded}', 1)
  if hasFailed then redis.call('HINCRBY', parent, '${FIELD.childrenFailed}', 1) end
  noteFamily(parents, parent, parentId, now)
  if hasFailed or ended >= tonumber(total) then return 1 end
  return 0
end
`,
};
