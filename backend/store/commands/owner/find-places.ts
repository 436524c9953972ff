/**
 * Finds out how many tasks will start before some of an owner's queued tasks, all of one definition. Where the line is empty
 * nobody has to know: the next worker that is free takes the task.
 */

import { jobIdOf } from '../../../queue/job.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { placeInLine } from '../lua.ts';

/** Only version 0.1.0 and a server that runs it beside ours make the list longer than this. Then it is not read. */
const LIST_READ = 8;

/** Answers a number for each job; -1 if it is not known, or if a worker has the job already. */
export const FIND_PLACES = defineCommand({
  name: 'find-places',
  keys: ['line'],
  args: ['queue', 'owner', '...jobs'],
  uses: [placeInLine],
  lua: `
local waiting, positions, places = queue .. 'waiting', {}, {}
if redis.call('EXISTS', line) == 0 then
  for n = 1, #jobs do places[n] = -1 end
  return places
end
local length = redis.call('LLEN', waiting)
if length <= ${LIST_READ} then
  -- The last one is taken first.
  for n, job in ipairs(redis.call('LRANGE', waiting, 0, -1)) do positions[job] = length - n end
end
for n, job in ipairs(jobs) do places[n] = positions[job] or placeInLine(queue, line, owner, job) or -1 end
return places
`,
  parse: (reply) => (reply as readonly number[]).map((ahead) => (ahead < 0 ? null : ahead)),
});

/** @returns for each id how many tasks will start before it, or null */
export function findPlaces(
  redis: CommandRunner,
  owner: string,
  name: string,
  ids: readonly string[],
): Promise<(number | null)[]> {
  const { keys } = redis;
  const jobs = ids.map((id) => jobIdOf({ id, run: 1 }));
  return redis.run(FIND_PLACES, { line: keys.line(name).line }, { queue: keys.queue(name), owner, jobs });
}
