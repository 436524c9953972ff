/** Takes or renews a lease: something that one process does at a time. */

import { type CommandRunner, defineCommand } from '../define-command.ts';

/** Answers 1 for the holder, 0 for anybody else. */
export const TAKE_LEASE = defineCommand({
  name: 'take-lease',
  keys: ['lease'],
  args: ['holder', 'ms'],
  lua: `
local held = redis.call('GET', lease)
if held and held ~= holder then return 0 end
redis.call('SET', lease, holder, 'PX', ms)
return 1
`,
  parse: (reply): boolean => reply === 1,
});

/**
 * @param ms for how long from now on
 * @returns whether `holder` has it
 */
export function takeLease(redis: CommandRunner, name: string, holder: string, ms: number): Promise<boolean> {
  return redis.run(TAKE_LEASE, { lease: redis.keys.lease(name) }, { holder, ms: Math.ceil(ms) });
}
