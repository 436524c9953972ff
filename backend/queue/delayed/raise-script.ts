/** The script that lets delayed jobs wait for a worker when they are due. It serves `delayed-jobs.ts`. */

import { ENTER_GATE } from '../../store/limits/gate-scripts.ts';
import { FIELD } from '../../store/record.ts';
import { ADD_JOB } from '../bee-queue/scripts.ts';
import { BAND } from '../line-scripts.ts';

/** How many due jobs one call moves. */
export const RAISED_AT_ONCE = 100;

/**
 * Takes up to 100 jobs that are due, and adds them to those that wait (`enqueueJob` in line-scripts.ts).
 *
 * Keys: delayed, line, turns.
 * Arguments: now (ms since 1970), gather (ms), queue, the prefix of a task's key.
 *
 * - A retry (any run but the first) goes to the front of its owner's jobs.
 * - A task with a start time goes by its priority. If it has a concurrency key, it comes to its gate instead.
 * - A job without a task goes to bee-queue's list, and the worker that takes it drops it.
 *
 * Answers how many jobs this call moved, and when to run it again (ms since 1970; -1 if no job is delayed). Jobs that are due within
 * `gather` after the next one are moved together with it, when the last of them is due. Example: jobs are due at 1,000, 1,080 and
 * 1,500 ms, and `gather` is 100 ms. The script is to run again at 1,080 ms, and then moves the first two.
 */
export const RAISE_DELAYED_JOBS = `${ENTER_GATE}${ADD_JOB}
local delayed, line, turns = KEYS[1], KEYS[2], KEYS[3]
local now, gather, queue, taskPrefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
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
local nextAt, runAt = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2], -1
if nextAt then
  local latest = string.format('%.0f', nextAt + gather)
  runAt = redis.call('ZRANGE', delayed, latest, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES')[2]
end
return {#due, runAt}
`;
