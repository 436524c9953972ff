/**
 * Reads fields of a task, if it belongs to the given owner. If it does not, no more is read than if there were no task. So
 * nobody can tell from the time it takes whether another owner's task exists.
 */

import { FIELD, fieldsToRead, namedFields, type StoredFields, type Wanted } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';

/** Answers the values of `fields`, or nil. */
export const READ_TASK = defineCommand({
  name: 'read-task',
  keys: ['task'],
  args: ['owner', '...fields'],
  lua: `
if redis.call('HGET', task, '${FIELD.owner}') ~= owner then return false end
return redis.call('HMGET', task, unpack(fields))
`,
  parse: (reply) => reply as readonly (string | null)[] | null,
});

/** The wanted fields; null if `want.owner` has no such task. Without `want.owner`, a task of any owner is read. */
export async function readTask(redis: CommandRunner, id: string, want: Wanted): Promise<StoredFields | null> {
  const task = redis.keys.task(id);
  const names = fieldsToRead(want);
  const fields = names.map((name) => FIELD[name]);
  const { owner } = want;
  const values =
    owner === undefined
      ? await redis.send((client) => client.hmGet(task, fields))
      : await redis.run(READ_TASK, { task }, { owner, fields });
  return values && namedFields(names, values);
}
