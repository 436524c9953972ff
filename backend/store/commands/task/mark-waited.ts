/** Marks a task as waited for, so that its next changes are announced, and reads it as it is then. */

import { FIELD, type StoredSnapshot, storedSnapshot } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** Answers `{snapshot, seenAt}`, or nil where there is no such task. */
export const MARK_WAITED = defineCommand({
  name: 'mark-waited',
  keys: ['task'],
  args: ['ms'],
  uses: [redisTime],
  lua: `
local known = redis.call('HMGET', task, '${FIELD.snapshot}', '${FIELD.seenAt}', '${FIELD.waitedUntil}')
local snapshot, seenAt, waitedUntil = known[1], known[2], known[3]
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

/** @param ms for how long from now on */
export function markWaited(redis: CommandRunner, id: string, ms: number): Promise<StoredSnapshot | null> {
  return redis.run(MARK_WAITED, { task: redis.keys.task(id) }, { ms: Math.ceil(ms) });
}
