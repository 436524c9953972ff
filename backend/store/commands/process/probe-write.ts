/**
 * Writes to Redis by a script, as every task does. A replica, a Redis with a full memory, and one that gives us too few
 * rights all answer PING, but they refuse this.
 */

import { type CommandRunner, defineCommand } from '../define-command.ts';

export const PROBE_WRITE = defineCommand({
  name: 'probe-write',
  keys: ['probe'],
  args: [],
  lua: `return redis.call('SET', probe, '1', 'PX', 1000)`,
  parse: (): void => undefined,
});

/** Resolves when Redis took a write. */
export function probeWrite(redis: CommandRunner): Promise<void> {
  return redis.run(PROBE_WRITE, { probe: redis.keys.probe }, {});
}
