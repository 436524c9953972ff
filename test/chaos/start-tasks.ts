// Starts the tasks of the chaos run: of many kinds, each with a weight.
import { setTimeout as pause } from 'node:timers/promises';
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
import type { Random } from './random.ts';
import type { ChaosUser } from './world/user.ts';

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

/** Starts `count` tasks, spread over the time until `until` (ms since 1970). Resolves when all are accepted. */
export async function startTasks(options: {
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
