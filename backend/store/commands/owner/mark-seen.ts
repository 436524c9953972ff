/** Takes outcomes out of an owner's inbox. Ids that are not in the inbox are ignored. */

import { FIELD } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** Which outcomes left the inbox, and when they were seen (ms since 1970, Redis' clock). */
export interface SeenAnswer {
  readonly ids: readonly string[];
  readonly at: number;
}

/** Answers `{now, id, …}`: the ids that were in the inbox and still have a record. */
export const MARK_SEEN = defineCommand({
  name: 'mark-seen',
  keys: ['unseen'],
  args: ['taskPrefix', '...ids'],
  uses: [redisTime],
  lua: `
local now = redisTime()
local seen = {now}
for _, id in ipairs(ids) do
  if redis.call('ZREM', unseen, id) == 1 then
    local task = taskPrefix .. id
    -- Writing to a record that has expired would make a new one without a task in it.
    if redis.call('EXISTS', task) == 1 then
      redis.call('HINCRBY', task, '${FIELD.revision}', 1)
      redis.call('HSET', task, '${FIELD.seenAt}', now)
      seen[#seen + 1] = id
    end
  end
end
return seen
`,
  parse: (reply): SeenAnswer => {
    const [at, ...ids] = reply as readonly [number, ...string[]];
    return { at, ids };
  },
});

/** @param ids at most 1,000 */
export function markSeen(redis: CommandRunner, owner: string, ids: readonly string[]): Promise<SeenAnswer> {
  const { keys } = redis;
  return redis.run(MARK_SEEN, { unseen: keys.unseen(owner) }, { taskPrefix: keys.task(''), ids });
}
