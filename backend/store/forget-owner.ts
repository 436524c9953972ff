/**
 * Removes everything that is stored about an owner, in steps that are short enough not to block Redis. It serves the store.
 */

import { jobIdOf } from '../queue/job.ts';
import type { CommandRunner } from './commands/define-command.ts';
import { forgetDropped } from './commands/owner/forget-dropped.ts';
import { forgetTasks } from './commands/owner/forget-tasks.ts';
import { leaveLine } from './commands/owner/leave-line.ts';

/** What one call of {@link forgetOwner} has removed. */
export interface Forgotten {
  /** The ids of the removed tasks, newest first. */
  readonly ids: readonly string[];
  /** Whether nothing is left. */
  readonly isDone: boolean;
}

/**
 * Removes 200 tasks of `owner` at most, whatever their status, with their idempotency keys. Workers are told to stop those
 * that run. The call that removes the last tasks also removes indexes, places in lines, the mark of the owner's channel, and what
 * has stayed of tasks that were dismissed before. Call it until `isDone`.
 * @throws TaskError `store_unavailable`: some may have been removed
 */
export async function forgetOwner(redis: CommandRunner, owner: string): Promise<Forgotten> {
  const { keys } = redis;
  const ids = await forgetTasks(redis, owner);
  const definitions = await redis.send((client) => client.sMembers(keys.definitions));
  await removeJobs(redis, owner, definitions, ids);
  if ((await redis.send((client) => client.exists(keys.all(owner)))) === 1) return { ids, isDone: false };
  await forgetDropped(redis, owner);
  for (const definition of definitions) await leaveLine(redis, definition, owner);
  const starts = ['', ...definitions].map((definition) => keys.starts(definition, owner));
  await redis.send((client) => client.del([keys.unseen(owner), keys.markOf(owner), ...starts]));
  return { ids, isDone: true };
}

/**
 * Removes the jobs of the tasks `ids`, which are gone, from the owner's lines. A task in the line waits for its first run, so only
 * that job is looked for. Without this, `leaveLine` would remove all jobs in one step: with 100,000 of them, Redis would be blocked
 * for 50 ms or more.
 */
async function removeJobs(
  redis: CommandRunner,
  owner: string,
  definitions: readonly string[],
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  const lines = definitions.map((definition) => `${redis.keys.line(definition).line}:${owner}`);
  const isThere = await redis.send((client) => Promise.all(lines.map((line) => client.exists(line))));
  const jobs = ids.map((id) => jobIdOf({ id, run: 1 }));
  for (const [n, line] of lines.entries()) {
    if (isThere[n] === 1) await redis.send((client) => client.zRem(line, jobs));
  }
}
