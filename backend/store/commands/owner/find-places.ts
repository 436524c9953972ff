/**
 * Finds out how many tasks will start before some of an owner's queued tasks, all of one definition. A task that is next gets 0,
 * not null: its page may still show the place that it had while others were ahead of it.
 */

import { jobIdOf } from '../../../queue/job.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { placeInLine } from '../lua.ts';

/**
 * bee-queue's list is read only if it has at most this many jobs. Usually it has one. It is longer when workers have given jobs
 * back, or while processes of the trial version (record.ts) run beside ours.
 */
const LIST_READ = 8;

/** Answers a number for each job; -1 if it is not known, or if a worker has the job already. */
export const FIND_PLACES = defineCommand({
  name: 'find-places',
  keys: ['line'],
  args: ['queue', 'owner', '...jobs'],
  uses: [placeInLine],
  lua: `
local waiting, positions, places = queue .. 'waiting', {}, {}
local length = redis.call('LLEN', waiting)
if length <= ${LIST_READ} then
  -- bee-queue takes the last job first.
  for n, job in ipairs(redis.call('LRANGE', waiting, 0, -1)) do positions[job] = length - n end
end
local hasLine = redis.call('EXISTS', line) == 1
for n, job in ipairs(jobs) do places[n] = positions[job] or hasLine and placeInLine(queue, line, owner, job) or -1 end
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
