/**
 * Reads fields of a task, if it is that owner's. For a task of somebody else no more is read than for none, so that nobody
 * can tell by the time it takes whether there is one.
 */

import { FIELD, fieldsFor, type StoredFields, type Wanted } from '../../record.ts';
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

/** The fields that hold what is wanted; null where `want.owner` has no such task. Without an owner anybody's task is read. */
export async function readTask(redis: CommandRunner, id: string, want: Wanted): Promise<StoredFields | null> {
  const task = redis.keys.task(id);
  const names = fieldsFor(want);
  const fields = names.map((name) => FIELD[name]);
  const { owner } = want;
  const values =
    owner === undefined
      ? await redis.send((client) => client.hmGet(task, fields))
      : await redis.run(READ_TASK, { task }, { owner, fields });
  return values && Object.fromEntries(names.map((name, n) => [name, values[n] ?? null]));
}
