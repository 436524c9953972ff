/** Takes tasks whose outcome hook is due, for the time of a lease. Then the hook is due again, unless it is finished. */

import { type CommandRunner, defineCommand } from '../define-command.ts';
import { redisTime } from '../lua.ts';

/** A task whose hook is to run. */
export interface DueHook {
  readonly id: string;
  /** How often it was taken, this time included. */
  readonly tries: number;
}

/** Answers `{id, tries, id, tries, …}`, the longest due first. */
export const TAKE_DUE_HOOKS = defineCommand({
  name: 'take-due-hooks',
  keys: ['due', 'tries'],
  args: ['leaseMs', 'limit', 'retention'],
  uses: [redisTime],
  lua: `
local now = redisTime()
local taken = {}
for _, id in ipairs(redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)) do
  redis.call('ZADD', due, now + leaseMs, id)
  taken[#taken + 1] = id
  taken[#taken + 1] = redis.call('HINCRBY', tries, id, 1)
end
if #taken > 0 then redis.call('EXPIRE', tries, retention) end
return taken
`,
  parse: (reply): readonly DueHook[] => {
    const flat = reply as readonly (string | number)[];
    const due: DueHook[] = [];
    for (let n = 0; n < flat.length; n += 2) due.push({ id: String(flat[n]), tries: Number(flat[n + 1]) });
    return due;
  },
});

/** @param limit how many at most */
export function takeDueHooks(
  redis: CommandRunner,
  hook: string,
  { leaseMs, limit }: { readonly leaseMs: number; readonly limit: number },
): Promise<readonly DueHook[]> {
  const { keys, retention } = redis;
  return redis.run(
    TAKE_DUE_HOOKS,
    { due: keys.hook(hook), tries: keys.hookTries(hook) },
    { leaseMs, limit, retention },
  );
}
