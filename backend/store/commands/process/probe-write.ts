/**
 * Does what a task needs of Redis: a write, by a script. A replica, a full memory and a lack of rights all answer PING, and
 * none of them does this.
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
