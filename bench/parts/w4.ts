// W4: how fast tasks are accepted. The worker is off; every user has a page open.
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { median, percentile, ratio } from '../measure/stats.ts';
import { figure, spread, table } from '../measure/table.ts';
import { atLeast, atMost, definePart, holds, type Part } from '../part.ts';
import { BenchProcess } from '../processes/calls.ts';
import type { LoadResult } from '../processes/load.ts';
import { inRounds, type Rounds } from '../rounds.ts';
import { makeInput } from '../stacks/task.ts';
import { type Cpu, perTask, subtract, withTurn } from '../turn.ts';
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
  /** A request, in ms. */
  readonly cpu: Cpu;
  /** How much of the time the server's event loop was busy, 0 to 1; the rest it waited for Redis, or for requests. */
  readonly busy: number;
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
    return inRounds(NAMES, quick ? 1 : 5, log, (stack) =>
      withTurn({ world, stack, users: USERS, hasWorker: false }, (turn) =>
        withLoad(world, quick ? 500 : 1_000, async (load) => {
          const before = turn.cpu();
          const loop = await turn.server.call<EventLoopUtilization>('loop');
          const { latencies, statuses, began, ended } = await load(quick ? 1_000 : 10_000);
          const loopAfter = await turn.server.call<EventLoopUtilization>('loop');
          const accepted = statuses['202'] ?? 0;
          return {
            perSecond: (accepted / (ended - began)) * 1_000,
            p50: percentile(latencies, 0.5),
            p99: percentile(latencies, 0.99),
            refused: latencies.length - accepted,
            cpu: perTask(subtract(turn.cpu(), before), accepted),
            busy: performance.eventLoopUtilization(loopAfter, loop).utilization,
          };
        }),
      ),
    );
  },
  report(raw) {
    const of = (name: Name, what: Exclude<keyof Figures, 'cpu'>) => raw[name].map((figures) => figures[what]);
    const cpu = (name: Name, whose: keyof Cpu) => figure(median(raw[name].map((figures) => figures.cpu[whose])));
    const text = [
      'None is Express and bee-queue. S4’s route is S1’s with one write more.',
      table(
        ['stack', 'requests/s', '× S1', 'p50, ms', 'p99, ms', '× S1', 'not accepted'],
        NAMES.map((name) => [
          name,
          spread(of(name, 'perSecond')),
          figure(ratio(of(name, 'perSecond'), of('s1', 'perSecond'))),
          spread(of(name, 'p50')),
          spread(of(name, 'p99')),
          figure(ratio(of(name, 'p99'), of('s1', 'p99'))),
          figure(Math.max(...of(name, 'refused'))),
        ]),
      ),
      'CPU ms a request by process, and how much of the time the server’s event loop was busy (medians).',
      table(
        ['stack', 'server', 'Redis', 'Soketi', 'loop busy'],
        NAMES.map((name) => [
          name,
          cpu(name, 'server'),
          cpu(name, 'redis'),
          cpu(name, 'soketi'),
          `${(median(of(name, 'busy')) * 100).toFixed(0)} %`,
        ]),
      ),
    ].join('\n\n');
    return {
      text,
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
