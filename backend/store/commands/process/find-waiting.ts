/**
 * Reads jobs of a definition that wait for a worker or that a worker has taken, a page at a time: bee-queue's lists first, then the
 * line.
 */

import { type CommandRunner, defineCommand } from '../define-command.ts';

/** Where to go on reading. First come bee-queue's lists, then the jobs of each owner in the line. */
export interface WaitingCursor {
  /** The place of the owner in the line, from 0. Null while bee-queue's lists are read. */
  readonly owner: number | null;
  /** How many jobs of the owner, or of each list, were read already. */
  readonly at: number;
}

/** Some of the jobs of a definition. */
export interface WaitingJobs {
  readonly jobs: readonly string[];
  /** Where the next ones are; null if there are no more. */
  readonly next: WaitingCursor | null;
}

/** Answers `{owner, at, job, …}`: where to go on, and the jobs. The owner is -1 if there are no more jobs. */
export const FIND_WAITING = defineCommand({
  name: 'find-waiting',
  keys: ['line'],
  args: ['owner', 'at', 'limit'],
  lua: `
local place, from, wanted, found = tonumber(owner), tonumber(at), tonumber(limit), {}
-- Each round reads jobs of one owner. The number of rounds is limited, too: an owner may have no job left.
for _ = 1, limit do
  local other = redis.call('ZRANGE', line, place, place)[1]
  if not other then return {-1, 0, unpack(found)} end
  local jobs = redis.call('ZRANGE', line .. ':' .. other, from, from + wanted - #found - 1)
  for _, job in ipairs(jobs) do found[#found + 1] = job end
  if #found == wanted then return {place, from + #jobs, unpack(found)} end
  place, from = place + 1, 0
end
return {place, 0, unpack(found)}
`,
  parse: (reply): WaitingJobs => {
    const [owner, at, ...jobs] = reply as [number, number, ...string[]];
    return { jobs, next: owner < 0 ? null : { owner, at } };
  },
});

/**
 * One page: at most `count` jobs of each of bee-queue's lists (waiting, delayed, and taken by a worker, who may have died), or at
 * most `count` jobs of the line. The page with the last jobs of the lists may have the first jobs of the line, too.
 */
export async function findWaiting(
  redis: CommandRunner,
  name: string,
  { owner, at }: WaitingCursor,
  count: number,
): Promise<WaitingJobs> {
  const { keys } = redis;
  const readLine = (place: number, from: number, limit: number) =>
    redis.run(FIND_WAITING, { line: keys.line(name).line }, { owner: place, at: from, limit });
  if (owner !== null) return readLine(owner, at, count);
  const queue = keys.queue(name);
  const end = at + count - 1;
  const lists = await redis.send((client) =>
    Promise.all([
      client.lRange(`${queue}waiting`, at, end),
      client.zRange(`${queue}delayed`, at, end),
      client.lRange(`${queue}active`, at, end),
    ]),
  );
  const jobs = lists.flat();
  if (lists.some((list) => list.length === count)) return { jobs, next: { owner: null, at: at + count } };
  const line = await readLine(0, 0, Math.max(count - jobs.length, 0));
  return { jobs: [...jobs, ...line.jobs], next: line.next };
}
