/** Takes or renews a lease: a right that one process has at a time. */

import { type CommandRunner, defineCommand } from '../define-command.ts';

/** Answers 1 for the holder, 0 for anybody else. */
export const TAKE_LEASE = defineCommand({
  name: 'take-lease',
  keys: ['lease'],
  args: ['holder', 'ms'],
  lua: `
local current = redis.call('GET', lease)
if current and current ~= holder then return 0 end
redis.call('SET', lease, holder, 'PX', ms)
return 1
`,
  parse: (reply): boolean => reply === 1,
});

/**
 * @param ms for how long, from now on
 * @returns whether `holder` has the lease
 */
export function takeLease(redis: CommandRunner, name: string, holder: string, ms: number): Promise<boolean> {
  return redis.run(TAKE_LEASE, { lease: redis.keys.lease(name) }, { holder, ms: Math.ceil(ms) });
}
