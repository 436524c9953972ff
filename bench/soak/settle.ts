// Waits until processes and Redis are at rest after an hour, and says what they hold then.
import { setTimeout as pause } from 'node:timers/promises';
import { findGrowth, type Holdings } from './growth.ts';

/** The first look comes after this. The longest time limits of requests and connections are 5 s, so all are over by then. */
const REST_MS = 6_000;
/** The looks end after this, at rest or not. */
const SETTLE_MS = 30_000;
const LOOK_EVERY_MS = 400;
/** `findGrowth` judges objects and bytes by the number of tasks. With this number, any growth of them is allowed. */
const ANY_TASKS = Number.POSITIVE_INFINITY;

/** Waits until two looks in a row find the same timers, listeners, resources and keys. Resolves with the last one. */
export async function holdingsAtRest(look: () => Promise<Holdings>): Promise<Holdings> {
  await pause(REST_MS);
  let before = await look();
  for (const end = Date.now() + SETTLE_MS; ; ) {
    await pause(LOOK_EVERY_MS);
    const now = await look();
    // Objects and bytes differ a little at each look, so they are not compared.
    const changed = [...findGrowth(before, now, ANY_TASKS), ...findGrowth(now, before, ANY_TASKS)];
    if (changed.length === 0 || Date.now() > end) return now;
    before = now;
  }
}

/** Looks until nothing has grown since `first`, for half a minute at most. Resolves with what still had grown at the last look. */
export async function growthAtRest(
  look: () => Promise<Holdings>,
  first: Holdings,
  tasks: number,
): Promise<{ readonly grown: readonly string[]; readonly last: Holdings }> {
  for (const end = Date.now() + SETTLE_MS; ; await pause(LOOK_EVERY_MS)) {
    const last = await look();
    const grown = findGrowth(first, last, tasks);
    if (grown.length === 0 || Date.now() > end) return { grown, last };
  }
}
