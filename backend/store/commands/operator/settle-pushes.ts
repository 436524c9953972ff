/**
 * Takes new tasks and outcomes whose push is settled off the list of those that may not have been pushed. Where the
 * operator's page is mounted, the story of each says so, and the events that this process has sent are counted.
 */

import { STORY_LENGTH } from '../../../operator/index-scripts.ts';
import { HOUR_MS } from '../../../operator/operator-keys.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** The page shows two hours: the one under way and the one before. Counts are kept for a third. */
const SENT_TTL_S = 3 * 3_600;

export const SETTLE_PUSHES = defineCommand({
  name: 'settle-pushes',
  keys: ['unpublished', 'operator'],
  args: ['taskPrefix', 'sent', '...ids'],
  uses: [redisTime],
  lua: `
if #ids > 0 then redis.call('ZREM', unpublished, unpack(ids)) end
if redis.call('EXISTS', operator) == 0 then return end
-- uses redisTime
local now = redisTime()
if tonumber(sent) > 0 then
  local counts, hour = operator .. ':sent', math.floor(now / ${HOUR_MS})
  redis.call('HINCRBY', counts, hour, sent)
  redis.call('HDEL', counts, hour - 3)
  redis.call('EXPIRE', counts, ${SENT_TTL_S})
end
for _, id in ipairs(ids) do
  local story = taskPrefix .. id .. ':story'
  if redis.call('EXISTS', story) == 1 then
    redis.call('LPUSH', story, cjson.encode({now, 'pushed'}))
    redis.call('LTRIM', story, 0, ${STORY_LENGTH - 1})
  end
end
`,
  parse: () => undefined,
});

/**
 * @param sent how many events this process has sent since the last call
 * @throws TaskError `store_unavailable`
 */
export async function settlePushes(redis: CommandRunner, ids: readonly string[], sent: number): Promise<void> {
  const { keys } = redis;
  const { unpublished, operator } = keys;
  await redis.run(SETTLE_PUSHES, { unpublished, operator }, { taskPrefix: keys.task(''), sent, ids });
}
