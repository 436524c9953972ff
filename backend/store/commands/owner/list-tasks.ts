/** Reads a page of one of an owner's indexes, newest first, and removes ids whose records have expired. */

import { FIELD, type StoredSnapshot, storedSnapshot } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { removeIds } from '../lua.ts';

/** How many ids one call looks at. If the records of all of them have expired, that takes Redis about 1 ms. */
const LOOK_AT_MOST = 1_000;

/** Which page of which index. */
export interface ListRange {
  readonly index: 'all' | 'active' | 'unseen';
  readonly owner: string;
  /** How many snapshots at most. */
  readonly limit: number;
  /** The id after which to go on; null for the newest. */
  readonly cursor: string | null;
}

/** What was found. `next` is where to go on, null at the end of the index. */
export interface ListAnswer {
  readonly found: readonly StoredSnapshot[];
  readonly next: string | null;
}

/** Answers `{cursor, snapshot, seenAt, snapshot, seenAt, …}`: cursor is an id, or '' at the end of the index. */
export const LIST_TASKS = defineCommand({
  name: 'list-tasks',
  keys: ['all', 'active', 'unseen'],
  args: ['index', 'from', 'limit', 'lookAtMost', 'taskPrefix'],
  uses: [removeIds],
  lua: `
local ids = ({all = all, active = active, unseen = unseen})[index]
local wanted, left = tonumber(limit), tonumber(lookAtMost)
local cursor, found, dead = '', {}, {}
repeat
  -- Read the ids that are still wanted, and one more for each dead id so far: where many are dead, more are likely to be.
  local size = math.min(wanted + #dead, left)
  local step = redis.call('ZRANGE', ids, from, '-', 'BYLEX', 'REV', 'LIMIT', 0, size)
  for _, id in ipairs(step) do
    if wanted == 0 then break end
    local stored = redis.call('HMGET', taskPrefix .. id, '${FIELD.snapshot}', '${FIELD.seenAt}')
    if stored[1] then
      found[#found + 1] = stored[1]
      found[#found + 1] = stored[2] or ''
      wanted = wanted - 1
    else
      dead[#dead + 1] = id
    end
    cursor, from, left = id, '(' .. id, left - 1
  end
  if wanted > 0 and #step < size then
    cursor = ''
    break
  end
until wanted == 0 or left == 0
removeIds(dead, all, active, unseen)
return {cursor, unpack(found)}
`,
  parse: (reply): ListAnswer => {
    const [next, ...rest] = reply as readonly string[];
    const found: StoredSnapshot[] = [];
    for (let n = 0; n < rest.length; n += 2) found.push(storedSnapshot(rest[n] as string, rest[n + 1]));
    return { found, next: next || null };
  },
});

/** Looks at 1,000 ids at most, so `next` may be set although fewer than `limit` were found. */
export function listTasks(redis: CommandRunner, { index, owner, limit, cursor }: ListRange): Promise<ListAnswer> {
  const { keys } = redis;
  return redis.run(
    LIST_TASKS,
    { all: keys.all(owner), active: keys.active(owner), unseen: keys.unseen(owner) },
    {
      index,
      from: cursor === null ? '+' : `(${cursor}`,
      limit,
      lookAtMost: LOOK_AT_MOST,
      taskPrefix: keys.task(''),
    },
  );
}
