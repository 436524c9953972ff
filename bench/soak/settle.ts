// Waits until processes and Redis are at rest after an hour, and says what they hold then.
import { setTimeout as pause } from 'node:timers/promises';
import { findGrowth, type Holdings } from './growth.ts';

/** After this, the last time limits of requests and connections of an hour are over: the longest are 5 s. */
const REST_MS = 6_000;
/** How long is waited for it on a slow machine, in ms. */
const SETTLE_MS = 30_000;
const LOOK_EVERY_MS = 400;
const ANY = Number.POSITIVE_INFINITY;

/** Waits until two looks in a row find the same timers, listeners, resources and keys. Resolves with the last one. */
export async function holdingsAtRest(look: () => Promise<Holdings>): Promise<Holdings> {
  await pause(REST_MS);
  let before = await look();
  for (const end = Date.now() + SETTLE_MS; ; ) {
    await pause(LOOK_EVERY_MS);
    const now = await look();
    // Objects and memory differ a little at each look. With infinitely many tasks between the two, they may.
    const changed = [...findGrowth(before, now, ANY), ...findGrowth(now, before, ANY)];
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
