/** Removes a task that nobody has changed since it was created. Its job finds no record and ends. */

import { leaveGate } from '../../limits/gate-scripts.ts';
import { uncount } from '../../limits/limit-scripts.ts';
import { FIELD } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';

/** Answers 1 if the task was removed; 0 if it was changed before, or there is none. */
export const DISCARD_TASK = defineCommand({
  name: 'discard-task',
  keys: ['task', 'all', 'active'],
  args: ['id', 'retention'],
  uses: [uncount, leaveGate],
  lua: `
local stored = redis.call('HMGET', task, '${FIELD.revision}', '${FIELD.countedIn}', '${FIELD.gate}')
if stored[1] ~= '1' then return 0 end
uncount(stored[2], id)
redis.call('DEL', task)
redis.call('ZREM', all, id)
redis.call('ZREM', active, id)
leaveGate(string.sub(task, 1, -#id - 1), stored[3], id)
-- With no active task left, every other record has a time to live, so the index needs one too.
if redis.call('ZCARD', active) == 0 then redis.call('EXPIRE', all, retention) end
return 1
`,
  parse: (reply): boolean => reply === 1,
});

/** @returns whether the task was removed */
export function discardTask(
  redis: CommandRunner,
  task: { readonly id: string; readonly owner: string },
): Promise<boolean> {
  const { keys, retention } = redis;
  return redis.run(
    DISCARD_TASK,
    { task: keys.task(task.id), all: keys.all(task.owner), active: keys.active(task.owner) },
    { id: task.id, retention },
  );
}
