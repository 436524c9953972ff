/**
 * Takes a parent off the list `parents` after an update, or puts it there for a later check. Does nothing if its family has
 * changed since it was read.
 */

import { FIELD } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** Answers 1 if the parent was released; 0 if its family has changed. */
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

/** What an update has read of a family, and when to check it again. */
export interface Release {
  /** `familyVersion`, as it was read. Null to skip the comparison: the task is gone, or its update has failed. */
  readonly version: string | null;
  /** When to check it again, in ms from now; null for only after the next change. */
  readonly againIn: number | null;
}

/** @returns whether the parent was released: false if its family has changed since `version` was read */
export function releaseParent(redis: CommandRunner, id: string, { version, againIn }: Release): Promise<boolean> {
  const { keys } = redis;
  const args = { id, version: version ?? '', againIn: againIn ?? '' };
  return redis.run(RELEASE_PARENT, { task: keys.task(id), parents: keys.parents }, args);
}
