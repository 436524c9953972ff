// Waits until processes and Redis are at rest after an hour, and says what they hold then.
import { setTimeout as pause } from 'node:timers/promises';
import { findGrowth, type Holdings } from './growth.ts';

/** The first reading comes after this. The longest time limits of requests and connections are 5 s, so all are over by then. */
const REST_MS = 6_000;
/** The last reading comes after this, at rest or not. */
const SETTLE_MS = 30_000;
const READ_EVERY_MS = 400;
/** `findGrowth` judges objects and bytes by the number of tasks. With this number, any growth of them is allowed. */
const ANY_TASKS = Number.POSITIVE_INFINITY;

/** Reads until two readings in a row have the same timers, listeners, resources and keys. Resolves with the last one. */
export async function holdingsAtRest(readHoldings: () => Promise<Holdings>): Promise<Holdings> {
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
 * Reads until nothing has grown since `first`, for half a minute at most. Resolves with what still had grown at the last reading.
 *
 * @param tasks how many tasks were run since `first`
 */
export async function growthAtRest(
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
