/**
 * Takes a task off the list of those whose families have changed, unless its family has changed since it was read. Or leaves
 * it there, to be looked at again later.
 */

import { FIELD } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** Answers 1 if that was done; 0 if there was a change. */
export const RELEASE_PARENT = defineCommand({
  name: 'release-parent',
  keys: ['task', 'parents'],
  args: ['id', 'version', 'againIn'],
  uses: [redisTime],
  lua: `
if version ~= '' and redis.call('HGET', task, '${FIELD.familyVersion}') ~= version then return 0 end
if againIn == '' then redis.call('ZREM', parents, id) else redis.call('ZADD', parents, redisTime() + againIn, id) end
return 1
`,
  parse: (reply): boolean => reply === 1,
});

/** What was seen of a family, and when to look at it again. */
export interface Release {
  /** As it was read; null for whichever it is: the task is gone, or could not be brought in step. */
  readonly version: string | null;
  /** In ms; null for not before something changes. */
  readonly againIn: number | null;
}

export function releaseParent(redis: CommandRunner, id: string, { version, againIn }: Release): Promise<boolean> {
  const { keys } = redis;
  const args = { id, version: version ?? '', againIn: againIn ?? '' };
  return redis.run(RELEASE_PARENT, { task: keys.task(id), parents: keys.parents }, args);
}
