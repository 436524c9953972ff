/**
 * Removes everything that is stored about an owner, in steps, so that none of them blocks Redis for long. It serves the store.
 */

import { jobIdOf } from '../queue/job.ts';
import type { CommandRunner } from './commands/define-command.ts';
import { forgetTasks } from './commands/owner/forget-tasks.ts';
import { leaveLine } from './commands/owner/leave-line.ts';

/** What one call of {@link forgetOwner} has removed. */
export interface Forgotten {
  /** Of the tasks, newest first. */
  readonly ids: readonly string[];
  /** Whether nothing is left. */
  readonly isDone: boolean;
}

/**
 * Removes 200 tasks of `owner` at most, whatever their status, with their idempotency keys. Workers are told to stop those
 * that run. With the last ones go indexes, places in lines and the mark of the owner's channel. The idempotency key of a task
 * that was dismissed before stays for up to 24 h: it holds two hashes and an id. Call it until `isDone`.
 * @throws TaskError `store_unavailable`: some may have been removed
 */
export async function forgetOwner(redis: CommandRunner, owner: string): Promise<Forgotten> {
  const { keys } = redis;
  const ids = await forgetTasks(redis, owner);
  const definitions = await redis.send((client) => client.sMembers(keys.definitions));
  await removeJobs(redis, owner, definitions, ids);
  if ((await redis.send((client) => client.exists(keys.all(owner)))) === 1) return { ids, isDone: false };
  for (const definition of definitions) await leaveLine(redis, definition, owner);
  const starts = ['', ...definitions].map((definition) => keys.starts(definition, owner));
  await redis.send((client) => client.del([keys.unseen(owner), keys.markOf(owner), ...starts]));
  return { ids, isDone: true };
}

/**
 * Removes jobs from the owner's lines: the first job of each task in `ids`, which are gone. Otherwise all would be removed in
 * one step, with the last task. If 100,000 wait, that blocks Redis for 50 ms or more.
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
