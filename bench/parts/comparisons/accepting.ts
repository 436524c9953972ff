// The part `accepting`: how many requests a second `POST /imports` answers with 202. No worker runs; every user has a
// page open.
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { median, percentile, ratio } from '../../measure/stats.ts';
import { figure, spread, table } from '../../measure/table.ts';
import { atLeast, atMost, definePart, holds, type Part } from '../../part.ts';
import { BenchProcess } from '../../processes/bench-process.ts';
import type { LoadResult } from '../../processes/load.ts';
import { inRounds, type Rounds } from '../../rounds.ts';
import { type Cpu, divideCpu, subtractCpu, withRunningStack } from '../../running-stack.ts';
import type { Services } from '../../services.ts';
import { makeInput } from '../../stacks/task.ts';

const NAMES = ['queue-only', 'pusher-per-element', 'bullmq-socketio', 'inloop'] as const;
type Name = (typeof NAMES)[number];
const CONNECTIONS = 20;

interface Figures {
  readonly perSecond: number;
  /** From a request to its answer, in ms. */
  readonly p50: number;
  readonly p99: number;
  /** Requests that were not answered 202. */
  readonly refused: number;
  /** CPU of each process, in ms a request. */
  readonly cpu: Cpu;
  /** Share of the time in which the server's event loop was busy, 0 to 1. In the rest it waited for Redis or for requests. */
  readonly busy: number;
}

const USERS = Array.from({ length: CONNECTIONS }, (_, index) => `user-${index}`);

/** Starts the process that sends requests, warms it up, and calls `use` with a function that sends them for `ms`. */
async function withLoad<T>(
  services: Services,
  warmUpMs: number,
  use: (load: (ms: number) => Promise<LoadResult>) => Promise<T>,
): Promise<T> {
  const body = makeInput({ n: 0, user: 'user-0', elements: 100, work: 'sleep', size: 1 });
  const loader = await BenchProcess.start('load', { env: services.env });
  const load = (ms: number) =>
    loader.call<LoadResult>('during', { request: { path: '/imports', body }, connections: CONNECTIONS, ms });
  try {
    await load(warmUpMs);
    return await use(load);
  } finally {
    await loader.stop();
  }
}

/** Lets inloop's server accept tasks for `ms` after a warm-up. Returns when the load began and ended, on the bench's clock. */
export function acceptTasks(services: Services, { profileFolder, ms }: { profileFolder: string; ms: number }) {
  return withRunningStack({ services, stack: 'inloop', users: USERS, hasWorker: false, profileFolder }, () =>
    withLoad(services, 1_000, async (load) => {
      const { began, ended } = await load(ms);
      return { from: began, to: ended };
    }),
  );
}

export const accepting: Part<unknown> = definePart<Rounds<Name, Figures>>({
  name: 'accepting',
  title: 'accepting: the 202 endpoint, 20 connections, 10 s',
  measure({ services, quick, log }) {
    return inRounds(NAMES, quick ? 1 : 5, log, (stack) =>
      withRunningStack({ services, stack, users: USERS, hasWorker: false }, (running) =>
        withLoad(services, quick ? 500 : 1_000, async (load) => {
          const before = running.cpu();
          const loop = await running.server.call<EventLoopUtilization>('loop');
          const { latencies, statuses, began, ended } = await load(quick ? 1_000 : 10_000);
          const loopAfter = await running.server.call<EventLoopUtilization>('loop');
          const accepted = statuses['202'] ?? 0;
          return {
            perSecond: (accepted / (ended - began)) * 1_000,
            p50: percentile(latencies, 0.5),
            p99: percentile(latencies, 0.99),
            refused: latencies.length - accepted,
            cpu: divideCpu(subtractCpu(running.cpu(), before), accepted),
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
      'queue-only is Express and bee-queue. status-row is left out: its route is the one of pusher-per-element with one write more.',
      table(
        ['stack', 'requests/s', '× pusher-per-element', 'p50, ms', 'p99, ms', '× pusher-per-element', 'not accepted'],
        NAMES.map((name) => [
          name,
          spread(of(name, 'perSecond')),
          figure(ratio(of(name, 'perSecond'), of('pusher-per-element', 'perSecond'))),
          spread(of(name, 'p50')),
          spread(of(name, 'p99')),
          figure(ratio(of(name, 'p99'), of('pusher-per-element', 'p99'))),
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
        atLeast(
          'accepting: requests/s × pusher-per-element',
          ratio(of('inloop', 'perSecond'), of('pusher-per-element', 'perSecond')),
          0.9,
        ),
        atMost('accepting: p99 × pusher-per-element', ratio(of('inloop', 'p99'), of('pusher-per-element', 'p99')), 1.2),
        holds(
          'accepting: not accepted',
          figure(Math.max(...of('inloop', 'refused'))),
          '0',
          Math.max(...of('inloop', 'refused')) === 0,
        ),
      ],
    };
  },
});
