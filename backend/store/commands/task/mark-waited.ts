/** Notes that a request waits for a task to change, so that the task's changes are announced. Reads the task, too. */

import { FIELD, type StoredSnapshot, storedSnapshot } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** Answers `{snapshot, seenAt}`, or nil if there is no such task. */
export const MARK_WAITED = defineCommand({
  name: 'mark-waited',
  keys: ['task'],
  args: ['ms'],
  uses: [redisTime],
  lua: `
local stored = redis.call('HMGET', task, '${FIELD.snapshot}', '${FIELD.seenAt}', '${FIELD.waitedUntil}')
local snapshot, seenAt, waitedUntil = stored[1], stored[2], stored[3]
if not snapshot then return false end
local deadline = redisTime() + ms
if not waitedUntil or tonumber(waitedUntil) < deadline then
  redis.call('HSET', task, '${FIELD.waitedUntil}', deadline)
end
return {snapshot, seenAt or ''}
`,
  parse: (reply): StoredSnapshot | null => {
    const answer = reply as [string, string] | null;
    return answer && storedSnapshot(...answer);
  },
});

/** @param ms how long the request waits, from now on */
export function markWaited(redis: CommandRunner, id: string, ms: number): Promise<StoredSnapshot | null> {
  return redis.run(MARK_WAITED, { task: redis.keys.task(id) }, { ms: Math.ceil(ms) });
}
