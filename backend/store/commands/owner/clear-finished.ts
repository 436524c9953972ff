/** Removes the finished tasks of an owner, newest first, a limited number in one call. */

import { type CommandRunner, defineCommand } from '../define-command.ts';
import { dropTasks } from '../drop-tasks.ts';
import { removeIds } from '../lua.ts';

/** How many ids one call looks at. Removing 1,000 records takes Redis about 2 ms. */
const LOOK_AT_MOST = 1_000;

/** Whose tasks to remove, and which. */
export interface ClearRange {
  readonly owner: string;
  /** Leaves the outcomes that the owner has not seen. */
  readonly keepUnseen: boolean;
  /** The id after which to go on; null for the newest. */
  readonly cursor: string | null;
}

/** What was removed. `next` is where to go on, null when every task was looked at. */
export interface ClearAnswer {
  readonly ids: readonly string[];
  readonly next: string | null;
}

/** Answers `{cursor, id, …}`: cursor is an id, or '' at the end. */
export const CLEAR_FINISHED = defineCommand({
  name: 'clear-finished',
  keys: ['all', 'active', 'unseen', 'operator', 'dropped'],
  args: ['from', 'lookAtMost', 'keepUnseen', 'taskPrefix', 'retention'],
  uses: [dropTasks, removeIds],
  lua: `
local ids = redis.call('ZRANGE', all, from, '-', 'BYLEX', 'REV', 'LIMIT', 0, lookAtMost)
local finished = {}
for _, id in ipairs(ids) do
  local isKept = redis.call('ZSCORE', active, id) or (keepUnseen == '1' and redis.call('ZSCORE', unseen, id))
  if not isKept then finished[#finished + 1] = id end
end
-- Only the lists of children are removed here. The children themselves are finished tasks of the same owner.
for _, parent in ipairs(dropTasks(finished, operator, taskPrefix, dropped, retention)) do redis.call('DEL', taskPrefix .. parent .. ':children') end
removeIds(finished, all, unseen)
local cursor = ''
if #ids == tonumber(lookAtMost) then cursor = ids[#ids] end
return {cursor, unpack(finished)}
`,
  parse: (reply): ClearAnswer => {
    const [next, ...ids] = reply as readonly string[];
    return { ids, next: next || null };
  },
});

/** Removes the finished ones among the next 1,000 tasks of the owner. Throws TaskError `store_unavailable`. */
export function clearFinished(redis: CommandRunner, { owner, keepUnseen, cursor }: ClearRange): Promise<ClearAnswer> {
  const { keys } = redis;
  return redis.run(
    CLEAR_FINISHED,
    {
      all: keys.all(owner),
      active: keys.active(owner),
      unseen: keys.unseen(owner),
      operator: keys.operator,
      dropped: keys.dropped(owner),
    },
    {
      from: cursor === null ? '+' : `(${cursor}`,
      lookAtMost: LOOK_AT_MOST,
      keepUnseen: keepUnseen ? 1 : 0,
      taskPrefix: keys.task(''),
      retention: redis.retention,
    },
  );
}
