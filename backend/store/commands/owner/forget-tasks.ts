/**
 * Removes tasks of an owner whatever their status, a limited number in one call, and their idempotency keys. Workers that run one
 * of them are told to stop. Jobs are left: a worker that takes one finds no record, and ends the job (forget-owner.ts removes those
 * in the line).
 */

import { leaveIndex } from '../../../operator/index-scripts.ts';
import { leaveGate } from '../../limits/gate-scripts.ts';
import { uncount } from '../../limits/limit-scripts.ts';
import { FIELD } from '../../record.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { removeIds } from '../lua.ts';

/** How many tasks one call removes. That takes Redis about 1 ms, and 5 ms while the operator's page is mounted. */
const FORGET_AT_MOST = 200;

/** Answers with the ids that were removed, newest first: none when nothing is left. */
export const FORGET_TASKS = defineCommand({
  name: 'forget-tasks',
  keys: ['all', 'active', 'unseen', 'unpublished', 'parents', 'operator'],
  args: ['atMost', 'taskPrefix', 'runningPrefix', 'cancelChannel'],
  uses: [removeIds, uncount, leaveGate, leaveIndex],
  lua: `
local gates, isMounted = {}, redis.call('EXISTS', operator) == 1
local ids = redis.call('ZRANGE', all, '+', '-', 'BYLEX', 'REV', 'LIMIT', 0, atMost)
for _, id in ipairs(ids) do
  local stored = redis.call('HMGET', taskPrefix .. id,
    '${FIELD.worker}', '${FIELD.idempotency}', '${FIELD.countedIn}', '${FIELD.gate}')
  local worker, idempotency, countedIn, gate = unpack(stored, 1, 4)
  if idempotency then redis.call('DEL', idempotency) end
  if redis.call('ZSCORE', active, id) then
    if worker and worker ~= '' then redis.call('HDEL', runningPrefix .. worker, id) end
    redis.call('PUBLISH', cancelChannel, id)
    uncount(countedIn, id)
    gates[id] = gate
  end
  if isMounted then leaveIndex(operator, taskPrefix, id) end
  redis.call('DEL', taskPrefix .. id, taskPrefix .. id .. ':children', taskPrefix .. id .. ':story')
end
removeIds(ids, all, active, unseen, unpublished, parents)
for id, gate in pairs(gates) do leaveGate(taskPrefix, gate, id) end
return ids
`,
  parse: (reply) => reply as readonly string[],
});

/** Removes 200 tasks at most. @returns their ids, newest first */
export function forgetTasks(redis: CommandRunner, owner: string): Promise<readonly string[]> {
  const { keys } = redis;
  return redis.run(
    FORGET_TASKS,
    {
      all: keys.all(owner),
      active: keys.active(owner),
      unseen: keys.unseen(owner),
      unpublished: keys.unpublished,
      parents: keys.parents,
      operator: keys.operator,
    },
    {
      atMost: FORGET_AT_MOST,
      taskPrefix: keys.task(''),
      runningPrefix: keys.running(''),
      cancelChannel: keys.cancelChannel,
    },
  );
}
