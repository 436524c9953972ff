/** Takes a task off the list of those whose families have changed, unless its family has changed since it was read. */

import { FIELD } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';

/** Answers 1 if the task is off the list; 0 if it stays there. */
export const RELEASE_PARENT = defineCommand({
  name: 'release-parent',
  keys: ['task', 'parents'],
  args: ['id', 'version'],
  lua: `
if (redis.call('HGET', task, '${FIELD.familyVersion}') or '') ~= version then return 0 end
redis.call('ZREM', parents, id)
return 1
`,
  parse: (reply): boolean => reply === 1,
});

/** @param version of the family, as it was read; null if the task was gone */
export function releaseParent(redis: CommandRunner, id: string, version: string | null): Promise<boolean> {
  const { keys } = redis;
  return redis.run(RELEASE_PARENT, { task: keys.task(id), parents: keys.parents }, { id, version: version ?? '' });
}
