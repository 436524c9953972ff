/**
 * Decides when and where a command removes dead ids from an index: ids whose records have expired. It serves create-task and
 * commit-change, so that an index stays small even if its owner never reads a list.
 *
 * One in 8 calls checks 64 ids. So up to 8 ids are removed for each one that is added: an index with many dead ids shrinks.
 */

import type { LuaFunction } from './lua.ts';

const CLEAN_ONE_IN = 8;
/** How many ids one cleaning checks. */
const IDS_PER_CLEANING = 64;

/** Which ids of an index one cleaning checks. */
export interface IndexCleaning {
  /** How many ids to check; 0 for no cleaning. */
  readonly count: number;
  readonly index: 'all' | 'unseen';
  /** Where in the index to begin: 0 is the oldest id, 1 the newest. */
  readonly from: number;
}

/** How many ids to check in this call: 64 in one call of 8, otherwise 0. */
export function chooseCount(): number {
  return Math.random() < 1 / CLEAN_ONE_IN ? IDS_PER_CLEANING : 0;
}

/** Which ids of an owner to check in this call. */
export function chooseCleaning(): IndexCleaning {
  const count = chooseCount();
  if (count === 0) return { count, index: 'all', from: 0 };
  // The oldest ids expire first. But a task that is never finished is kept for ever, and dead ids may stand behind it.
  const from = Math.random() < 0.5 ? 0 : Math.random();
  // An id that is removed from `all` is removed from the other indexes, too. Only the trial version (record.ts) left ids in
  // `unseen` that `all` lacks.
  return { count, index: Math.random() < 0.25 ? 'unseen' : 'all', from };
}

/**
 * `findDead(index, count, from, taskPrefix)`: checks up to `count` ids of an index, beginning at the share `from` of it. Answers
 * those that have no record.
 */
export const findDead: LuaFunction = {
  name: 'findDead',
  lua: `
local function findDead(index, count, from, taskPrefix)
  local kept, dead = 0, {}
  local first = math.floor(math.max(redis.call('ZCARD', index) - count, 0) * from)
  for _, id in ipairs(redis.call('ZRANGE', index, first, first + count - 1)) do
    if redis.call('EXISTS', taskPrefix .. id) == 0 then dead[#dead + 1] = id else kept = kept + 1 end
    -- Records of neighbouring ids expire at about the same time. If three still exist, there is little to clean here.
    if kept == 3 then break end
  end
  return dead
end
`,
};
