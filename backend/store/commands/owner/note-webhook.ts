/**
 * Notes what a webhook of the bus says of a channel: occupied, or vacant.
 *
 * Webhooks come late, twice and out of order, and their times are by the bus's clock. So the times in the mark never go
 * back, and a time that is far ahead of Redis' clock or minutes old is not believed. A time that is a little ahead counts
 * as now: otherwise a page that opens in the next moment would look older than the leaving of the last.
 */

import { MARK, MARK_TTL_S } from '../../watched-mark.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** By how much the bus's clock may be ahead of Redis'. */
const MAX_AHEAD_MS = 5_000;
/** Hosted Pusher repeats a webhook for 5 min; 10 s more for the way. */
const MAX_AGE_MS = 310_000;

/**
 * - `noted`: the mark says so now, or knew better.
 * - `vacated`: the owner has active tasks and no open page from now on.
 * - `unknown`: no page was ever authorized on the channel, so it has no mark.
 * - `unbelieved`: the time is more than 5 s ahead of Redis' or more than 310 s old.
 */
export type WebhookAnswer = 'noted' | 'vacated' | 'unknown' | 'unbelieved';

/** Answers a {@link WebhookAnswer}. */
export const NOTE_WEBHOOK = defineCommand({
  name: 'note-webhook',
  keys: ['mark'],
  args: ['field', 'time', 'ttl', 'activePrefix', 'maxAhead', 'maxAge'],
  uses: [redisTime],
  lua: `
local known = redis.call('HMGET', mark, field, '${MARK.owner}', '${MARK.openedAt}')
local knownTime, owner, openedAt = known[1], known[2], known[3]
if not owner then return 'unknown' end
local now, at = redisTime(), tonumber(time)
if at > now + maxAhead or at < now - maxAge then return 'unbelieved' end
at = math.min(at, now)
redis.call('EXPIRE', mark, ttl)
if knownTime and tonumber(knownTime) >= at then return 'noted' end
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
      maxAhead: MAX_AHEAD_MS,
      maxAge: MAX_AGE_MS,
    },
  );
}
