/** Sets the counts of a parent's ended and failed children, unless its family has changed since it was read. */

import { FIELD } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';

/** Answers 1 if the counts were set, else 0. */
export const CORRECT_COUNTS = defineCommand({
  name: 'correct-counts',
  keys: ['task'],
  args: ['version', 'ended', 'failed'],
  lua: `
if redis.call('HGET', task, '${FIELD.familyVersion}') ~= version then return 0 end
redis.call('HSET', task, '${FIELD.childrenEnded}', ended, '${FIELD.childrenFailed}', failed)
redis.call('HINCRBY', task, '${FIELD.familyVersion}', 1)
return 1
`,
  parse: (reply): boolean => reply === 1,
});

/** @param version of the family, as it was read @returns whether the counts were set */
export function correctCounts(
  redis: CommandRunner,
  id: string,
  version: string,
  counts: { readonly ended: number; readonly failed: number },
): Promise<boolean> {
  return redis.run(CORRECT_COUNTS, { task: redis.keys.task(id) }, { version, ...counts });
}
