// The chaos run: starts tasks of many kinds, kills parts while they run, and counts how the tasks ended.
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { isFinished } from '../../core/tasks/snapshot.ts';
import {
  block,
  deaf,
  family,
  flaky,
  keyed,
  late,
  poison,
  rows,
  steps,
} from '../integration/work/processes/fault-tasks.ts';
import type { Mutation } from '../support/processes/script-process.ts';
import { ask } from './ask.ts';
import { findLostHooks, findRepeatedHooks } from './hook-calls.ts';
import { findLeftKeys } from './left-keys.ts';
import { countResumed, findLostCheckpoints } from './lost-checkpoints.ts';
import { createFindings, type Findings } from './observer.ts';
import { NO_TROUBLE } from './push-proxy.ts';
import { createRandom, type Random } from './random.ts';
import { findSideBySide } from './side-by-side.ts';
import { type ChaosUser, createUser } from './user.ts';
import { pause, startWorld, type World } from './world.ts';
import { findWrongFamilies, listAll } from './wrong-families.ts';

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

/** The counts at the end. Those that `MUST_BE_ZERO` names must be 0. */
export interface ChaosReport {
  readonly accepted: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** How many outcomes were announced to their owners. */
  readonly told: number;
  /** How often each kind of fault was caused. */
  readonly faults: Readonly<Record<string, number>>;
  /** What the proxies did with events. */
  readonly messages: Readonly<Record<string, number>>;
  readonly toldTwice: number;
  readonly lost: number;
  readonly leftRunning: number;
  readonly wentBack: number;
  readonly completeTooEarly: number;
  readonly toWrongUser: number;
  /** Tasks that do not end as their children say, or whose children are not those that their handlers have started. */
  readonly wrongFamilies: number;
  /** Tasks that were at work beside another one with the same concurrency key. */
  readonly sideBySide: number;
  /** How many attempts went on from a checkpoint. */
  readonly resumed: number;
  /** Attempts that began before a checkpoint that was stored. */
  readonly lostCheckpoints: number;
  /** Hooks that have not run for an outcome. */
  readonly lostHooks: number;
  /** How often a hook ran again for an outcome, since its worker had died in the middle of it. */
  readonly hooksAgain: number;
  /** How often a hook ran again for an outcome without that cause. */
  readonly hooksTwice: number;
  /** Keys in Redis that are there for tasks that have not ended. */
  readonly leftKeys: number;
  /** The first findings, for debugging. */
  readonly examples: readonly string[];
}

export const MUST_BE_ZERO = [
  'toldTwice',
  'lost',
  'leftRunning',
  'wentBack',
  'completeTooEarly',
  'toWrongUser',
  'wrongFamilies',
  'sideBySide',
  'lostCheckpoints',
  'lostHooks',
  'hooksTwice',
  'leftKeys',
] as const;

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
    const started = startTasks({ users, random, count: options.tasks, until: Date.now() + options.seconds * 700, log });
    const [faults] = await Promise.all([breaking, started]);
    for (const client of users.flatMap((user) => user.clients)) client.proxy.cause(NO_TROUBLE);
    log('nothing is broken any more; waiting for everything to come to rest');
    await waitForRest(world, users, findings);
    return await report(world, users, findings, faults);
  } finally {
    await Promise.allSettled(users.flatMap((user) => user.clients).map((client) => client.close()));
    await world.close();
  }
}

type Start = (user: ChaosUser, random: Random) => Promise<unknown>;

/** The kinds of tasks and their weights. */
const KINDS: readonly (readonly [weight: number, start: Start])[] = [
  [40, (user, random) => user.start(steps.name, { steps: random.between(1, 20), ms: 5 })],
  [10, (user, random) => user.start(steps.name, { steps: random.between(20, 60), ms: 50 })],
  [10, (user, random) => user.start(rows.name, { rows: random.between(20, 200), ms: 20 })],
  [10, (user) => user.start(flaky.name, { failures: 1 })],
  [10, (user) => user.start(flaky.name, { failures: 3 })],
  [4, (user) => user.start(late.name, { deaf: false })],
  [2, (user) => user.start(poison.name, {})],
  [2, (user) => user.start(deaf.name, { ms: 200 })],
  [2, (user) => user.start(block.name, { ms: 300 })],
  [10, (user, random) => user.start(keyed.name, { key: `key ${random.between(1, 3)}`, ms: 100 })],
  [8, (user, random) => user.start(family.name, { children: random.between(1, 8), failing: 0, ms: 30 })],
  [3, (user, random) => user.start(family.name, { children: random.between(3, 8), failing: 1, ms: 30 })],
  [
    4,
    async (user, random) => {
      const task = await user.start(family.name, { children: 8, failing: 0, ms: 200 });
      await pause(random.between(0, 2_000));
      await user.cancel(task.id);
    },
  ],
  [
    10,
    async (user, random) => {
      const task = await user.start(steps.name, { steps: 200, ms: 50 });
      await pause(random.between(0, 2_000));
      await user.cancel(task.id);
    },
  ],
];

async function startTasks(options: {
  readonly users: readonly ChaosUser[];
  readonly random: Random;
  readonly count: number;
  readonly until: number;
  readonly log: (line: string) => void;
}): Promise<void> {
  const { users, random, count, until } = options;
  const totalWeight = KINDS.reduce((sum, [weight]) => sum + weight, 0);
  const starting: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) {
    let roll = random.next() * totalWeight;
    const kind = KINDS.find(([weight]) => {
      roll -= weight;
      return roll < 0;
    });
    starting.push((kind ?? KINDS[0])?.[1](random.pick(users), random) ?? Promise.resolve());
    // Spreads the tasks that are left over the time that is left.
    await pause(Math.max(0, ((until - Date.now()) / (count - n)) * random.between(0, 2)));
  }
  await Promise.all(starting);
  options.log(`${count} tasks accepted`);
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

async function report(
  world: World,
  users: readonly ChaosUser[],
  findings: Findings,
  faults: Record<string, number>,
): Promise<ChaosReport> {
  const outcomes: Record<string, number> = {};
  const examples: string[] = [];
  let lost = 0;
  const running = new Set<string>();
  const tasks: Snapshot[] = [];
  for (const [id, user] of findings.accepted) {
    const response = await ask(`${world.url}/${id}`, user);
    const task = response.ok ? ((await response.json()) as Snapshot) : null;
    if (!task || (isFinished(task) && !findings.told.has(id))) {
      lost += 1;
      examples.push(`lost: ${id} of ${user}, ${task ? `${task.status}, never told` : `answers ${response.status}`}`);
    } else if (!isFinished(task)) {
      running.add(id);
      examples.push(`left ${task.status}: ${id} of ${user}, ${task.name}, attempt ${task.attempt}`);
    }
    if (task) tasks.push(task);
    const status = task?.status ?? 'gone';
    outcomes[status] = (outcomes[status] ?? 0) + 1;
  }
  for (const user of users) {
    for (const { feed } of user.clients) {
      for (const task of feed.getSnapshot().tasks) {
        if (isFinished(task) || running.has(task.id)) continue;
        running.add(task.id);
        examples.push(`shown as ${task.status} to ${user.name}: ${task.id}`);
      }
    }
  }
  const all = (await Promise.all(users.map(({ name }) => listAll(world, name)))).flat();
  const notes = world.notes();
  const repeated = findRepeatedHooks(notes, world.workerProcesses());
  const found = {
    'wrong family': findWrongFamilies(all),
    'side by side': findSideBySide(tasks),
    'lost checkpoint': findLostCheckpoints(notes),
    'lost hook': findLostHooks(all, notes),
    'hook ran twice': repeated.uncaused,
    'left key': await findLeftKeys(world.bus.redis),
  };
  for (const [name, lines] of Object.entries(found)) {
    examples.push(...lines.slice(0, 5).map((line) => `${name}: ${line}`));
  }
  const twice = [...findings.told].filter(([, count]) => count > 1);
  examples.push(...twice.slice(0, 5).map(([id, count]) => `told ${count} times: ${id}`));
  examples.push(...findings.wentBack.slice(0, 5).map((line) => `went back: ${line}`));
  examples.push(...findings.completeTooEarly.slice(0, 5).map((line) => `complete too early: ${line}`));
  examples.push(...findings.toWrongUser.slice(0, 5).map((line) => `wrong user: ${line}`));
  const messages = { events: 0, dropped: 0, doubled: 0, delayed: 0 };
  for (const { proxy } of users.flatMap((user) => user.clients)) {
    for (const key of Object.keys(messages) as (keyof typeof messages)[]) messages[key] += proxy.counts[key];
  }
  return {
    accepted: findings.accepted.size,
    outcomes,
    told: findings.told.size,
    faults,
    messages,
    toldTwice: twice.length,
    lost,
    leftRunning: running.size,
    wentBack: findings.wentBack.length,
    completeTooEarly: findings.completeTooEarly.length,
    toWrongUser: findings.toWrongUser.length,
    wrongFamilies: found['wrong family'].length,
    sideBySide: found['side by side'].length,
    resumed: countResumed(notes),
    lostCheckpoints: found['lost checkpoint'].length,
    lostHooks: found['lost hook'].length,
    hooksAgain: repeated.count - repeated.uncaused.length,
    hooksTwice: repeated.uncaused.length,
    leftKeys: found['left key'].length,
    examples,
  };
}
