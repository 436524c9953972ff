/** Notes in the mark of a push channel (watched-mark.ts) that a page is open on it from now on. */

import { MARK, MARK_TTL_S } from '../../watched-mark.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** Answers 1; or 0 if the channel has no mark and `owner` is '', so that no mark can be made. */
export const NOTE_WATCHED = defineCommand({
  name: 'note-watched',
  keys: ['mark'],
  args: ['owner', 'ttl'],
  uses: [redisTime],
  lua: `
if owner ~= '' then redis.call('HSET', mark, '${MARK.owner}', owner)
elseif redis.call('EXISTS', mark) == 0 then return 0 end
redis.call('HSET', mark, '${MARK.openedAt}', redisTime())
redis.call('EXPIRE', mark, ttl)
return 1
`,
  parse: (reply): boolean => reply === 1,
});

/**
 * @param owner whose channel it is; null if the caller does not know: then a channel without a mark stays without one
 * @returns whether the channel has a mark now
 */
export function noteWatched(redis: CommandRunner, channel: string, owner: string | null): Promise<boolean> {
  return redis.run(NOTE_WATCHED, { mark: redis.keys.mark(channel) }, { owner: owner ?? '', ttl: MARK_TTL_S });
}
