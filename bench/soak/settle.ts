// Waits until processes and Redis are at rest after an hour, and reads what they hold then.
import { setTimeout as pause } from 'node:timers/promises';
import { findGrowth, type Holdings } from './growth.ts';

/** How long to wait before the first reading. The longest time limits of requests and connections are 5 s, so they are over then. */
const REST_MS = 6_000;
/** After this time there is no further reading, even if there is no rest yet. */
const SETTLE_MS = 30_000;
/** The time between two readings. */
const READ_EVERY_MS = 400;
/** `findGrowth` judges objects and bytes by the number of tasks. With this number, any growth of them is allowed. */
const ANY_TASKS = Number.POSITIVE_INFINITY;

/**
 * Reads until two readings in a row are the same but for objects and memory, for half a minute at most.
 * @returns the last reading
 */
export async function readAtRest(readHoldings: () => Promise<Holdings>): Promise<Holdings> {
  await pause(REST_MS);
  let before = await readHoldings();
  for (const end = Date.now() + SETTLE_MS; ; ) {
    await pause(READ_EVERY_MS);
    const now = await readHoldings();
    // Objects and bytes differ a little at each reading, so they are not compared.
    const changed = [...findGrowth(before, now, ANY_TASKS), ...findGrowth(now, before, ANY_TASKS)];
    if (changed.length === 0 || Date.now() > end) return now;
    before = now;
  }
}

/**
 * Reads until nothing has grown since `first`, for half a minute at most.
 *
 * @param tasks how many tasks were run since `first`
 * @returns the last reading, and what had grown in it
 */
export async function findGrowthAtRest(
  readHoldings: () => Promise<Holdings>,
  first: Holdings,
  tasks: number,
): Promise<{ readonly grown: readonly string[]; readonly last: Holdings }> {
  for (const end = Date.now() + SETTLE_MS; ; await pause(READ_EVERY_MS)) {
    const last = await readHoldings();
    const grown = findGrowth(first, last, tasks);
    if (grown.length === 0 || Date.now() > end) return { grown, last };
  }
}
