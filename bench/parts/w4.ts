// W4: how fast tasks are accepted. The worker is off; every user has a page open.
import { median, percentile, ratio } from '../measure/stats.ts';
import { figure, spread, table } from '../measure/table.ts';
import { atLeast, atMost, definePart, holds, type Part } from '../part.ts';
import { BenchProcess } from '../processes/calls.ts';
import type { LoadResult } from '../processes/load.ts';
import { inRounds, type Rounds } from '../rounds.ts';
import { makeInput } from '../stacks/task.ts';
import { subtract, totalOf, withTurn } from '../turn.ts';
import type { World } from '../world.ts';

const NAMES = ['none', 's1', 's3', 'inloop'] as const;
type Name = (typeof NAMES)[number];
const CONNECTIONS = 20;

interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers that were no 202. */
  readonly refused: number;
  /** Of all processes, a request, in ms. */
  readonly cpu: number;
}

const USERS = Array.from({ length: CONNECTIONS }, (_, index) => `user-${index}`);

/** Starts the process that asks, lets it warm up, and lets `use` have what makes it ask for so many ms. */
async function withLoad<T>(
  world: World,
  warmUpMs: number,
  use: (load: (ms: number) => Promise<LoadResult>) => Promise<T>,
): Promise<T> {
  const body = makeInput({ n: 0, user: 'user-0', elements: 100, work: 'sleep', size: 1 });
  const loader = await BenchProcess.start('load', { env: world.env });
  const load = (ms: number) =>
    loader.call<LoadResult>('during', { request: { path: '/imports', body }, connections: CONNECTIONS, ms });
  try {
    await load(warmUpMs);
    return await use(load);
  } finally {
    await loader.stop();
  }
}

/** Lets inloop's server accept tasks for `ms`, after a warm-up; returns from when to when, on the bench's clock. */
export function acceptTasks(world: World, { profileFolder, ms }: { profileFolder: string; ms: number }) {
  return withTurn({ world, stack: 'inloop', users: USERS, hasWorker: false, profileFolder }, () =>
    withLoad(world, 1_000, async (load) => {
      const { began, ended } = await load(ms);
      return { from: began, to: ended };
    }),
  );
}

export const w4: Part<unknown> = definePart<Rounds<Name, Figures>>({
  name: 'w4',
  title: 'W4: the 202 endpoint, 20 connections, 10 s',
  measure({ world, quick, log }) {
    return inRounds(NAMES, quick ? 1 : 3, log, (stack) =>
      withTurn({ world, stack, users: USERS, hasWorker: false }, (turn) =>
        withLoad(world, quick ? 500 : 1_000, async (load) => {
          const before = turn.cpu();
          const { latencies, statuses, began, ended } = await load(quick ? 1_000 : 10_000);
          const accepted = statuses['202'] ?? 0;
          return {
            perSecond: (accepted / (ended - began)) * 1_000,
            p50: percentile(latencies, 0.5),
            p99: percentile(latencies, 0.99),
            refused: latencies.length - accepted,
            cpu: totalOf(subtract(turn.cpu(), before)) / accepted,
          };
        }),
      ),
    );
  },
  report(raw) {
    const of = (name: Name, what: keyof Figures) => raw[name].map((figures) => figures[what]);
    return {
      text: `None is Express and bee-queue. S4’s route is S1’s with one write more.\n\n${table(
        ['stack', 'requests/s', '× S1', 'p50, ms', 'p99, ms', '× S1', 'CPU ms a request', 'not accepted'],
        NAMES.map((name) => [
          name,
          spread(of(name, 'perSecond')),
          figure(ratio(of(name, 'perSecond'), of('s1', 'perSecond'))),
          spread(of(name, 'p50')),
          spread(of(name, 'p99')),
          figure(ratio(of(name, 'p99'), of('s1', 'p99'))),
          figure(median(of(name, 'cpu'))),
          figure(Math.max(...of(name, 'refused'))),
        ]),
      )}`,
      targets: [
        atLeast('W4 requests/s × S1', ratio(of('inloop', 'perSecond'), of('s1', 'perSecond')), 0.9),
        atMost('W4 p99 × S1', ratio(of('inloop', 'p99'), of('s1', 'p99')), 1.2),
        holds(
          'W4 not accepted',
          figure(Math.max(...of('inloop', 'refused'))),
          '0',
          Math.max(...of('inloop', 'refused')) === 0,
        ),
      ],
    };
  },
});
