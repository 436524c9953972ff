/** The script that moves delayed jobs to the line when they are due. It serves the timer of delayed jobs. */

import { ENTER_GATE } from '../store/limits/gate-scripts.ts';
import { FIELD } from '../store/record.ts';
import { BAND } from './line-scripts.ts';

/** How many due jobs one call moves. */
export const RAISED_AT_ONCE = 100;

/**
 * Moves delayed jobs that are due to the line, at most 100. Keys: delayed, line, turns. Arguments: now, debounce (ms), queue,
 * the prefix of a task's key. A job without a task goes to the list, and its worker drops it. A task with a start time and a
 * concurrency key comes to its gate instead. Answers how many jobs were due, and when the next job is due (-1 if there is none).
 */
export const RAISE_DELAYED_JOBS = `${ENTER_GATE}
local delayed, line, turns = KEYS[1], KEYS[2], KEYS[3]
local now, debounce, queue, taskPrefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local due = redis.call('ZRANGE', delayed, '-inf', now, 'BYSCORE', 'LIMIT', 0, ${RAISED_AT_ONCE})
for _, job in ipairs(due) do
  redis.call('HDEL', queue .. 'jobs', job)
  local id, run = string.match(job, '^([^:]*):?(.*)')
  local stored = redis.call('HMGET', taskPrefix .. id, '${FIELD.owner}', '${FIELD.band}', '${FIELD.gate}')
  local owner, band, gate = unpack(stored, 1, 3)
  if not owner then addJob(queue, job, '')
  elseif run ~= '1' then enqueueJob(queue, line, turns, taskPrefix, owner, job, ${BAND.retry}, '')
  elseif gate then enterGate(baseOf(taskPrefix), string.match(gate, ' (.*)'), id, now)
  else enqueueJob(queue, line, turns, taskPrefix, owner, job, band or ${BAND.normal}, '') end
end
if #due > 0 then redis.call('ZREM', delayed, unpack(due)) end
local next, at = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2], -1
if next then
  local latest = string.format('%.0f', next + debounce)
  at = redis.call('ZRANGE', delayed, latest, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES')[2]
end
return {#due, at}
`;
