/** Removes the keys that stayed when an owner dismissed tasks (drop-tasks.ts), a limited number in one call. */

import { type CommandRunner, defineCommand } from '../define-command.ts';

/** How many keys one call removes. That takes Redis less than 1 ms. */
const FORGET_AT_MOST = 200;

/** Answers how many names were taken off the list: 0 when it is empty. */
export const FORGET_DROPPED = defineCommand({
  name: 'forget-dropped',
  keys: ['dropped'],
  args: ['atMost'],
  lua: `
local names = redis.call('ZRANGE', dropped, 0, atMost - 1)
for _, name in ipairs(names) do redis.call('DEL', name) end
if #names > 0 then redis.call('ZREM', dropped, unpack(names)) end
return #names
`,
  parse: (reply) => reply as number,
});

/** Removes all of them. Throws TaskError `store_unavailable`. */
export async function forgetDropped(redis: CommandRunner, owner: string): Promise<void> {
  const dropped = redis.keys.dropped(owner);
  while ((await redis.run(FORGET_DROPPED, { dropped }, { atMost: FORGET_AT_MOST })) > 0);
}
