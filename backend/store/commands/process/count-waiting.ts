/** Counts the tasks of a definition that wait for a worker, in all processes together. */

import { type CommandRunner, defineCommand } from '../define-command.ts';

/** The tasks of at most this many owners are counted. Redis needs about 0.3 ms for so many. */
const MOST_OWNERS = 1_000;

/** If there are more owners, the tasks of those whose turns come first are counted. Each other owner then counts as their average. */
export const COUNT_WAITING = defineCommand({
  name: 'count-waiting',
  keys: ['list', 'line'],
  args: ['mostOwners'],
  lua: `
local counted = 0
local first = redis.call('ZRANGE', line, 0, mostOwners - 1)
for _, owner in ipairs(first) do
  counted = counted + redis.call('ZCARD', line .. ':' .. owner)
end
if #first > 0 then counted = math.floor(counted * redis.call('ZCARD', line) / #first + 0.5) end
return redis.call('LLEN', list) + counted
`,
  parse: (reply): number => Number(reply),
});

/** Exact for up to 1,000 owners who have tasks in the line. @param definition its name */
export function countWaiting(redis: CommandRunner, definition: string): Promise<number> {
  const { keys } = redis;
  return redis.run(
    COUNT_WAITING,
    { list: `${keys.queue(definition)}waiting`, line: keys.line(definition).line },
    { mostOwners: MOST_OWNERS },
  );
}
