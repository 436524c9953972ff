// The chaos run: starts tasks of many kinds, kills parts while they run, and waits until everything has come to rest.
import { setTimeout as pause } from 'node:timers/promises';
import { isFinished } from '../../core/tasks/snapshot.ts';
import type { Mutation } from '../support/processes/script-process.ts';
import { findLeftKeys } from './checks/left-keys.ts';
import { createFindings, type Findings } from './checks/observer.ts';
import { createRandom, type Random } from './random.ts';
import { type ChaosReport, makeReport } from './report.ts';
import { startTasks } from './start-tasks.ts';
import { NO_TROUBLE } from './world/push-proxy.ts';
import { type ChaosUser, createUser } from './world/user.ts';
import { startWorld, type World } from './world/world.ts';

const USERS = ['ada', 'bea', 'cyd', 'dan', 'eve'];
/** How long all tasks may take to end once nothing is broken any more, in milliseconds. */
const REST_MS = 60_000;

export interface ChaosOptions {
  readonly seed: number;
  /** How long parts are broken, in seconds. */
  readonly seconds: number;
  readonly tasks: number;
  readonly mutations: readonly Mutation[];
  readonly log: (line: string) => void;
}

/** One run. Breaks parts for `seconds`, then waits up to a minute for everything to come to rest. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { log } = options;
  const random = createRandom(options.seed);
  const findings = createFindings();
  const world = await startWorld(options.mutations);
  const users: ChaosUser[] = [];
  try {
    for (const name of USERS) users.push(await createUser(name, world, findings, random));
    log(`${users.length} users with two clients each, ${world.workers} workers, seed ${options.seed}`);
    const end = Date.now() + options.seconds * 1_000;
    const breaking = breakThings({ world, users, random, end, log });
    // Tasks are started during the first 70 % of the time, so that the last ones meet faults too.
    const until = Date.now() + 0.7 * options.seconds * 1_000;
    const started = startTasks({ users, random, count: options.tasks, until, log });
    const [faults] = await Promise.all([breaking, started]);
    for (const client of users.flatMap((user) => user.clients)) client.proxy.cause(NO_TROUBLE);
    log('nothing is broken any more; waiting for everything to come to rest');
    await waitForRest(world, users, findings);
    return await makeReport(world, users, findings, faults);
  } finally {
    await Promise.allSettled(users.flatMap((user) => user.clients).map((client) => client.close()));
    await world.close();
  }
}

async function breakThings(options: {
  readonly world: World;
  readonly users: readonly ChaosUser[];
  readonly random: Random;
  readonly end: number;
  readonly log: (line: string) => void;
}): Promise<Record<string, number>> {
  const { world, users, random, end, log } = options;
  const clients = users.flatMap((user) => user.clients);
  const faults: Record<string, number> = {};
  const acts: Readonly<Record<string, () => Promise<void> | void>> = {
    'kill a worker': () => world.killWorker(random.between(0, world.workers - 1)),
    'suspend a worker': () => world.suspendWorker(random.between(0, world.workers - 1), random.between(1_000, 4_000)),
    'kill the server': () => world.killServer(),
    'kill Soketi': () => world.restartSoketi(random.between(100, 3_000)),
    'kill Redis': () => world.restartRedis(random.between(100, 2_000)),
    'lose messages': () => trouble({ drop: 0.4, double: 0, delay: 0 }),
    'double messages': () => trouble({ drop: 0, double: 0.5, delay: 0 }),
    'reorder messages': () => trouble({ drop: 0, double: 0.1, delay: 0.5 }),
    'take a client offline': () => random.pick(clients).goOffline(random.between(500, 5_000)),
    'reload a client': () => random.pick(clients).reload(),
  };
  const trouble = (kind: { drop: number; double: number; delay: number }) => {
    for (const client of clients) client.proxy.cause(kind);
  };
  const names = Object.keys(acts);
  // Each fault once in a random order, then random ones.
  const order = [...names].sort(() => random.next() - 0.5);
  while (Date.now() < end) {
    const name = order.shift() ?? random.pick(names);
    faults[name] = (faults[name] ?? 0) + 1;
    log(name);
    await acts[name]?.();
    await pause(random.between(200, 2_500));
  }
  return faults;
}

/**
 * Waits until every accepted task has an outcome that its owner was told, and Redis holds nothing for tasks that run or hooks
 * that are due; or until the time is over.
 */
async function waitForRest(world: World, users: readonly ChaosUser[], findings: Findings): Promise<void> {
  for (const end = Date.now() + REST_MS; Date.now() < end; await pause(250)) {
    const untold = [...findings.accepted.keys()].filter((id) => !findings.told.has(id));
    const isShown = users.every((user) => user.clients.every(({ feed }) => feed.getSnapshot().tasks.every(isFinished)));
    if (untold.length === 0 && isShown && (await findLeftKeys(world.bus.redis)).length === 0) return;
  }
}
