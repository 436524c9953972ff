/**
 * Lua functions about a family: a parent and its children. The scripts that store a new task or a change call them in the same
 * step, so each child is counted exactly once, even if a process crashes.
 *
 * A parent's record counts its children, and `task:<id>:children` names them. Each change in a family raises the parent's
 * `familyVersion` by one and adds the parent to the list `parents`. A process then updates the parent (parent-updates.ts). It
 * takes the parent off the list only if `familyVersion` is still the one that it has read.
 *
 * Arguments of the functions: `parents` is the key of that list, `parent` the key of the parent's record, and `parentId` the
 * parent's id. `now` is in ms since 1970.
 */

import { MAX_CHILDREN, MAX_TASK_DEPTH } from '../../core/limits.ts';
import type { LuaFunction } from '../store/commands/lua.ts';
import { FIELD } from '../store/record.ts';

/** `noteFamilyChange(parents, parent, parentId, now)` notes that the family of the parent has changed. */
export const noteFamilyChange: LuaFunction = {
  name: 'noteFamilyChange',
  lua: `
local function noteFamilyChange(parents, parent, parentId, now)
  redis.call('HINCRBY', parent, '${FIELD.familyVersion}', 1)
  redis.call('ZADD', parents, now, parentId)
end
`,
};

/**
 * `findChild(parent, run, key)` looks for the child that the handler has started under `key`. `run`: the run of the parent
 * that starts it. Answers `<hash of the input> <id>` if there is one, nothing if one may be started, or nil and the reason why
 * none may: `stale`, `too_deep` or `too_many`.
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

/**
 * `adoptChild(parents, parent, parentId, task, key, child, now)` adds a child to the family. `task`: the key of the child's
 * record. `key`: the handler's name for the child. `child`: what `findChild` answers for it, `<hash of the input> <id>`.
 */
export const adoptChild: LuaFunction = {
  name: 'adoptChild',
  lua: `${noteFamilyChange.lua}
local function adoptChild(parents, parent, parentId, task, key, child, now)
  redis.call('HSET', parent .. ':children', key, child)
  redis.call('HINCRBY', parent, '${FIELD.childrenTotal}', 1)
  redis.call('HSET', task, '${FIELD.depth}', (redis.call('HGET', parent, '${FIELD.depth}') or 1) + 1)
  noteFamilyChange(parents, parent, parentId, now)
end
`,
};

/**
 * `countChild(parents, parent, parentId, hasFailed, now)` counts a child that ends. Answers 1 if the parent may end because of
 * it: it was the last one, or it has failed. Otherwise, and if the parent's record is gone, 0.
 */
export const countChild: LuaFunction = {
  name: 'countChild',
  lua: `${noteFamilyChange.lua}
local function countChild(parents, parent, parentId, hasFailed, now)
  local total = redis.call('HGET', parent, '${FIELD.childrenTotal}')
  if not total then return 0 end
  local ended = redis.call('HINCRBY', parent, '${FIELD.childrenEnded}', 1)
  if hasFailed then redis.call('HINCRBY', parent, '${FIELD.childrenFailed}', 1) end
  noteFamilyChange(parents, parent, parentId, now)
  if hasFailed or ended >= tonumber(total) then return 1 end
  return 0
end
`,
};
