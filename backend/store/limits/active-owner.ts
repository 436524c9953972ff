/** Lua that finds out whether a task still counts: whether it has a record and no outcome. It serves limits and gates. */

import { FIELD } from '../record.ts';

/**
 * Lua that defines two functions. `base` is the prefix of all keys; `taskPrefix` is `base` and `task:`.
 * - `baseOf(taskPrefix)`: the base.
 * - `ownerIfActive(base, id)`: the owner of this task if it is active; false or nil if it has an outcome or no record.
 */
export const OWNER_IF_ACTIVE = `
local function baseOf(taskPrefix)
  return string.sub(taskPrefix, 1, -${'task:'.length + 1})
end
local function ownerIfActive(base, id)
  local owner = redis.call('HGET', base .. 'task:' .. id, '${FIELD.owner}')
  return owner and redis.call('ZSCORE', base .. 'active:' .. owner, id) and owner
end
`;
