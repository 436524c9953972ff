/**
 * Notes what a webhook of the bus says about a channel: occupied, or vacant.
 *
 * Webhooks come late, twice and out of order, and their times are by the bus's clock. So the times in the mark never go
 * back. A time more than 5 s ahead of Redis' clock, or more than 310 s old, is not believed. A time that is less than 5 s
 * ahead counts as now. Otherwise a page that opens a moment later would seem to have opened before the last page left.
 */

import { MARK, MARK_TTL_S, MAX_WEBHOOK_AGE_MS, MAX_WEBHOOK_AHEAD_MS } from '../../watched-mark.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/**
 * - `noted`: the mark has this time now, or had this one or a later one before.
 * - `vacated`: the time is noted, and the owner, who has active tasks, is not watching from now on.
 * - `unknown`: no page was ever authorized on the channel, so it has no mark.
 * - `unbelieved`: the time is more than 5 s ahead of Redis' clock, or more than 310 s old.
 */
export type WebhookAnswer = 'noted' | 'vacated' | 'unknown' | 'unbelieved';

/** Answers a {@link WebhookAnswer}. */
export const NOTE_WEBHOOK = defineCommand({
  name: 'note-webhook',
  keys: ['mark'],
  args: ['field', 'time', 'ttl', 'activePrefix', 'maxAhead', 'maxAge'],
  uses: [redisTime],
  lua: `
local stored = redis.call('HMGET', mark, field, '${MARK.owner}', '${MARK.openedAt}')
local storedTime, owner, openedAt = stored[1], stored[2], stored[3]
if not owner then return 'unknown' end
local now, at = redisTime(), tonumber(time)
if at > now + maxAhead or at < now - maxAge then return 'unbelieved' end
at = math.min(at, now)
redis.call('EXPIRE', mark, ttl)
if storedTime and tonumber(storedTime) >= at then return 'noted' end
redis.call('HSET', mark, field, at)
if field == '${MARK.vacatedAt}' and at > tonumber(openedAt or 0) and redis.call('ZCARD', activePrefix .. owner) > 0 then
  return 'vacated'
end
return 'noted'
`,
  parse: (reply) => reply as WebhookAnswer,
});

/** @param at when it happened, in ms by the bus's clock */
export function noteWebhook(
  redis: CommandRunner,
  channel: string,
  event: 'opened' | 'vacated',
  at: number,
): Promise<WebhookAnswer> {
  const { keys } = redis;
  return redis.run(
    NOTE_WEBHOOK,
    { mark: keys.mark(channel) },
    {
      field: event === 'opened' ? MARK.openedAt : MARK.vacatedAt,
      time: Math.floor(at),
      ttl: MARK_TTL_S,
      activePrefix: keys.active(''),
      maxAhead: MAX_WEBHOOK_AHEAD_MS,
      maxAge: MAX_WEBHOOK_AGE_MS,
    },
  );
}
