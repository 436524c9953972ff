// A short soak run, with server, worker and users in this one process. First it runs a few hours, each compressed into seconds (hour.ts),
// that should leave nothing behind. Then it puts in a leak of each kind on purpose. leaks.test.ts runs it, and reads the report in the
// last line that it prints.
//
// Environment: REDIS_URL, PUSHER_*, PORT, SOKETI_PID.
import { parseArgs } from 'node:util';
import { createClient } from '@redis/client';
import { disturbParts } from './disturb.ts';
import { findGrowth, type Holdings } from './growth.ts';
import { runHour } from './hour.ts';
import { readContents } from './redis-contents.ts';
import { takeSample } from './sample.ts';
import { startServerHalf } from './server-half.ts';
import { findGrowthAtRest, readAtRest } from './settle.ts';
import { startWorkerHalf } from './worker-half.ts';

/** What the run prints, as JSON. */
export interface LeakReport {
  /** Tasks of the hours that were compared. */
  readonly tasks: number;
  readonly grown: readonly string[];
  /** What had grown once a map, listeners, timers and keys were left behind on purpose. */
  readonly grownWithLeaks: readonly string[];
  readonly first: Holdings;
  readonly last: Holdings;
}

/** How many listeners and keys are left behind on purpose. */
const LEFT = 5;

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '12' },
    tasks: { type: 'string', default: '300' },
    warmup: { type: 'string', default: '2' },
    hours: { type: 'string', default: '2' },
  },
});
const [users = 0, tasks = 0, warmup = 0, hours = 0] = [values.users, values.tasks, values.warmup, values.hours].map(
  Number,
);
const env = process.env;
const redis = createClient({ url: env.REDIS_URL ?? '' });
redis.on('error', () => undefined);
await redis.connect();
const halves = [await startServerHalf(env), await startWorkerHalf(env)];
const longLived = [...new Set(halves.flatMap((half) => half.longLived))];

const readHoldings = async (): Promise<Holdings> => ({
  redis: await readContents(redis),
  processes: { all: takeSample(longLived) },
});
let n = 0;
const hour = () => runHour({ env, users, tasks, n: n++, disturb: () => disturbParts(redis, Number(env.SOKETI_PID)) });

// The first hours fill caches and compile functions.
for (let count = 0; count < warmup; count++) await hour();
const first = await readAtRest(readHoldings);
for (let count = 0; count < hours; count++) await hour();
const { grown, last } = await findGrowthAtRest(readHoldings, first, hours * tasks);

/** A map that never forgets. */
const leak = new Map<number, object>();
for (let task = 0; task < hours * tasks; task++) {
  leak.set(task, { id: String(task) });
  setTimeout(() => leak, 3_600_000).unref();
}
for (let left = 0; left < LEFT; left++) {
  process.on('SIGUSR2', () => leak);
  await redis.sendCommand(['SET', `inloop:left:${left}`, '1']);
}
const grownWithLeaks = findGrowth(last, await readHoldings(), hours * tasks);

const report: LeakReport = { tasks: hours * tasks, grown, grownWithLeaks, first, last };
await Promise.all(halves.map((half) => half.close()));
redis.destroy();
console.log(JSON.stringify(report));
process.exit(0);
