/**
 * Removes a task that nobody has changed since it was created, and its job from the line. A job that has left the line stays: the
 * worker that takes it finds no record, and ends it.
 */

import { leaveIndex } from '../../../operator/index-scripts.ts';
import { jobIdOf } from '../../../queue/job.ts';
import { leaveGate } from '../../limits/gate-scripts.ts';
import { uncount } from '../../limits/limit-scripts.ts';
import { decodeRecord, FIELD } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { dequeueJob } from '../lua.ts';
import { readTask } from './read-task.ts';

/** Answers 1 if the task was removed; 0 if it was changed before, or there is none. */
export const DISCARD_TASK = defineCommand({
  name: 'discard-task',
  keys: ['task', 'all', 'active', 'line', 'turns', 'operator'],
  args: ['id', 'owner', 'queue', 'job', 'retention'],
  uses: [uncount, leaveGate, dequeueJob, leaveIndex],
  lua: `
local stored = redis.call('HMGET', task, '${FIELD.revision}', '${FIELD.countedIn}', '${FIELD.gate}')
if stored[1] ~= '1' then return 0 end
uncount(stored[2], id)
local taskPrefix = string.sub(task, 1, -#id - 1)
if redis.call('EXISTS', operator) == 1 then leaveIndex(operator, taskPrefix, id) end
redis.call('DEL', task, task .. ':story')
redis.call('ZREM', all, id)
redis.call('ZREM', active, id)
leaveGate(taskPrefix, stored[3], id)
dequeueJob(queue, line, turns, owner, job)
-- With no active task left, every other record has a time to live, so the index needs one too.
if redis.call('ZCARD', active) == 0 then redis.call('EXPIRE', all, retention) end
return 1
`,
  parse: (reply): boolean => reply === 1,
});

/** @returns whether the task was removed */
export async function discardTask(
  redis: CommandRunner,
  { id, owner }: { readonly id: string; readonly owner: string },
): Promise<boolean> {
  const { keys, retention } = redis;
  const stored = await readTask(redis, id, { owner });
  const task = stored && decodeRecord(stored, { owner });
  if (!task) return false;
  const { name } = task.snapshot;
  return redis.run(
    DISCARD_TASK,
    {
      task: keys.task(id),
      all: keys.all(owner),
      active: keys.active(owner),
      operator: keys.operator,
      ...keys.line(name),
    },
    { id, owner, queue: keys.queue(name), job: jobIdOf({ id, run: 1 }), retention },
  );
}
