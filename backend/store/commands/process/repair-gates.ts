/**
 * Repairs gates (limits/gate-scripts.ts) after a crash, or after a process of an earlier version: removes tasks inside that have
 * ended or have no record, and finds replaced tasks that nobody has cancelled. It serves the sweeper.
 */

import { repairGate } from '../../limits/gate-scripts.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** The process that stored a task has this long to cancel those that it replaces. */
const CANCEL_GRACE_MS = 3_000;
/** One call repairs at most this many gates, and answers with at most this many ids. The next call goes on with the others. */
const MOST_AT_ONCE = 100;

/**
 * Lets tasks in where there is room. Answers with the ids of tasks that are still to be cancelled. `gates` has the time of each
 * gate's next check, `replaced` the time at which each task was replaced.
 */
export const REPAIR_GATES = defineCommand({
  name: 'repair-gates',
  keys: ['gates', 'replaced'],
  args: ['base', 'grace', 'atMost'],
  uses: [redisTime, repairGate],
  lua: `
local now = redisTime()
for _, gate in ipairs(redis.call('ZRANGE', gates, '-inf', now, 'BYSCORE', 'LIMIT', 0, atMost)) do
  repairGate(base, gate, now)
end
return redis.call('ZRANGE', replaced, '-inf', now - grace, 'BYSCORE', 'LIMIT', 0, atMost)
`,
  parse: (reply) => reply as readonly string[],
});

/** @returns ids of at most 100 tasks that are to be cancelled, since another replaces them */
export function repairGates(redis: CommandRunner): Promise<readonly string[]> {
  const { gates, replaced, prefix } = redis.keys;
  return redis.run(REPAIR_GATES, { gates, replaced }, { base: prefix, grace: CANCEL_GRACE_MS, atMost: MOST_AT_ONCE });
}
