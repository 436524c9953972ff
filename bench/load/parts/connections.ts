// The part `connections`: how many connected pages one Soketi carries while their tasks are pushed to them, and how long it takes until
// all are back when they have lost their connections at the same moment.
import { availableParallelism } from 'node:os';
import { now, pause } from '../../measure/clock.ts';
import { readMemoryMb } from '../../measure/cpu.ts';
import { percentile } from '../../measure/stats.ts';
import { figure, table } from '../../measure/table.ts';
import { definePart, holds, type Part } from '../../part.ts';
import type { Connected } from '../../processes/sockets.ts';
import { type RunningStack, withRunningStack } from '../../running-stack.ts';
import { makeInput } from '../../stacks/task.ts';
import { type CpuShares, nameSaturated, watchCpu } from '../knee.ts';
import { readMaxOpenFiles } from '../machine-limits.ts';

/** How many pages are connected, step by step. */
const PAGES = [1_000, 2_500, 5_000, 7_500, 10_000];
/** How often each connected user starts a task. */
const TASK_EVERY_S = 60;
/** How long a task takes. */
const TASK_MS = 2_000;
/** For how long tasks are started with each number of pages. */
const STEP_MS = 8_000;
const PROCESSES = ['soketi', 'server', 'worker', 'redis', 'pages'] as const;
/** How many files a process may have open besides the connections of pages: libraries, logs, its own connections. */
const OTHER_FILES = 300;
/** An update that takes longer than this is no live update. */
const LATE_MS = 1_000;

/** What was measured with one number of pages. */
interface Carried {
  readonly pages: number;
  /** From the first attempt to connect until all were subscribed, in s. */
  readonly connectSeconds: number;
  readonly tasksPerSecond: number;
  readonly messagesPerSecond: number;
  /** From a task's last element to its outcome on the page, in ms. */
  readonly p50: number;
  readonly p99: number;
  /** Outcomes that reached no page. */
  readonly lost: number;
  readonly cpu: CpuShares;
  /** Resident memory of Soketi, in MB. */
  readonly soketiMb: number;
}

/** What was measured when all pages came back at once. */
interface Reconnect {
  readonly pages: number;
  readonly failed: Connected['failed'];
  /** From the moment at which all began to connect until a page was subscribed and had fetched what it missed, in s. */
  readonly p50: number;
  readonly p99: number;
  readonly last: number;
  /** CPU of each process from the cut until the last page was back, in ms a page. */
  readonly cpuEach: CpuShares;
  /** The same, in cores. */
  readonly cpu: CpuShares;
  /** How long a start (`POST /imports`) took meanwhile, in ms. */
  readonly startP50: number;
  readonly startP99: number;
}

/** What the part has measured. */
export interface ConnectionFigures {
  readonly steps: readonly Carried[];
  /** Why there were no further steps; null if all numbers of pages were carried. */
  readonly limit: string | null;
  /** How many files Soketi and the process of the pages may each have open: the smaller number. 0 if it is unknown. */
  readonly openFiles: number;
  readonly reconnect: Reconnect | null;
  /** Resident memory of Soketi without pages, in MB. */
  readonly emptyMb: number;
}

/** Memory of Soketi for one connection, in KB: by how much it has grown at the last step, divided by the pages. */
export function soketiKbEach({ steps, emptyMb }: ConnectionFigures): number {
  const last = steps.at(-1);
  return last === undefined ? Number.NaN : ((last.soketiMb - emptyMb) * 1_024) / last.pages;
}

export const connections: Part<unknown> = definePart<ConnectionFigures>({
  name: 'connections',
  title: 'Connected users',
  measure({ services, quick, log }) {
    const targets = quick ? [100, 300] : PAGES;
    return withRunningStack(
      { services, stack: 'inloop', users: [], concurrency: 1_000, pages: 'sockets' },
      async (running) => {
        const emptyMb = readMemoryMb(services.soketiPid);
        const files = [services.soketiPid, running.clients.pid]
          .map(readMaxOpenFiles)
          .filter((most) => !Number.isNaN(most));
        const openFiles = Math.min(...files, Number.POSITIVE_INFINITY);
        const steps: Carried[] = [];
        let limit: string | null = null;
        for (const pages of targets) {
          if (pages + OTHER_FILES > openFiles) {
            limit = `a process may have ${figure(openFiles)} files open (\`ulimit -n\`), and each connection is one`;
            break;
          }
          log(`${pages} pages`);
          const carried = await carry(running, { from: steps.at(-1)?.pages ?? 0, pages, ms: quick ? 3_000 : STEP_MS });
          if (typeof carried === 'string') {
            limit = carried;
            break;
          }
          steps.push(carried);
          limit = limitOf(carried);
          if (limit !== null) break;
        }
        log('all pages lose their connection and come back');
        const reconnect = steps.length > 0 ? await reconnectAll(running) : null;
        return { steps, limit, openFiles: Number.isFinite(openFiles) ? openFiles : 0, reconnect, emptyMb };
      },
    );
  },
  report(raw) {
    const { steps, limit, openFiles, reconnect } = raw;
    const most = steps.at(-1)?.pages ?? 0;
    return {
      text: [
        `One Soketi, one server and one worker. Each page has a connection of its own, a private channel that the server has authorized, and a ping every 30 s. Each user starts a task of ${TASK_MS / 1_000} s once a minute. The delay is from the last element of a task to its outcome on the page.`,
        table(
          [
            'pages',
            'connected in, s',
            'tasks/s',
            'messages/s',
            'p50, ms',
            'p99, ms',
            'lost',
            ...PROCESSES.map((name) => `${name}, cores`),
            'Soketi, MB',
          ],
          steps.map((step) => [
            figure(step.pages),
            figure(step.connectSeconds),
            figure(step.tasksPerSecond),
            figure(step.messagesPerSecond),
            figure(step.p50),
            figure(step.p99),
            figure(step.lost),
            ...PROCESSES.map((name) => figure(step.cpu[name])),
            figure(step.soketiMb),
          ]),
        ),
        `${limit === null ? `All ${figure(most)} were carried.` : `It went no further, because ${limit}.`} A connection takes ${figure(soketiKbEach(raw))} KB of Soketi’s memory; the buffers of the kernel come on top. A process could have ${figure(openFiles)} files open here.`,
        ...(reconnect === null ? [] : [describeReconnect(reconnect)]),
      ].join('\n\n'),
      targets: [
        holds(
          'connections: pages that one Soketi carries',
          figure(most),
          '10,000, or the limit named',
          most >= 10_000 || limit !== null,
        ),
        holds(
          'connections: outcomes lost',
          figure(steps.reduce((sum, { lost }) => sum + lost, 0)),
          '0',
          steps.every(({ lost }) => lost === 0),
        ),
      ],
    };
  },
});

function describeReconnect({ pages, failed, p50, p99, last, cpu, cpuEach, startP50, startP99 }: Reconnect): string {
  const failures = Object.entries(failed).map(([reason, count]) => `${figure(count)} × ${reason}`);
  const each = PROCESSES.map((name) => `${name} ${figure(cpuEach[name])}`).join(', ');
  return [
    `**All at once.** All ${figure(pages)} connections are cut, and all pages come back at the same moment: they connect, are authorized, subscribe, and fetch their active tasks and their inbox (three requests to the server for each). Half of them are back after ${figure(p50)} s, 99 % after ${figure(p99)} s, the last after ${figure(last)} s.`,
    failures.length === 0 ? 'None failed.' : `Failed: ${failures.join(', ')}.`,
    `Meanwhile a start was answered in ${figure(startP50)} ms (p50) and ${figure(startP99)} ms (p99). Saturated: ${nameSaturated(cpu, availableParallelism())}. CPU ms a page: ${each}. inloop’s own client spreads its reconnects over time, so this is the worst case.`,
  ].join(' ');
}

/** Connects pages until there are `pages`, then starts their tasks for `ms`. Returns a text if not all connect: the reason. */
async function carry(
  running: RunningStack,
  { from, pages, ms }: { from: number; pages: number; ms: number },
): Promise<Carried | string> {
  const users = Array.from({ length: pages - from }, (_, index) => `user-${from + index}`);
  const began = now();
  const { open, failed } = await running.clients.call<Connected>('connect', { users });
  const connectSeconds = (now() - began) / 1_000;
  if (open < pages) {
    const reasons = Object.entries(failed).map(([reason, count]) => `${reason} (${count} times)`);
    return `only ${figure(open)} of ${figure(pages)} connected: ${reasons.join(', ') || 'the others were closed'}`;
  }
  const tasks = Math.max(20, Math.round((pages / TASK_EVERY_S) * (ms / 1_000)));
  const inputs = Array.from({ length: tasks }, (_, index) =>
    makeInput({
      n: pages * 100 + index,
      // Spread over all pages.
      user: `user-${Math.floor((index / tasks) * pages)}`,
      elements: 40,
      work: 'paced',
      size: TASK_MS,
    }),
  );
  const stop = watchCpu(running);
  const run = await running.watch(inputs, async () => {
    const started = now();
    await running.server.call('startEvery', { inputs, ms: ms / tasks });
    return started;
  });
  return {
    pages,
    connectSeconds,
    tasksPerSecond: (tasks / run.wall) * 1_000,
    messagesPerSecond: (run.received / run.wall) * 1_000,
    p50: percentile(run.latencies, 0.5),
    p99: percentile(run.latencies, 0.99),
    lost: run.lost,
    cpu: stop(),
    soketiMb: readMemoryMb(running.services.soketiPid),
  };
}

/** Why no further step should be tried; null if one should. */
function limitOf({ pages, p99, lost, cpu }: Carried): string | null {
  const busy = nameSaturated(cpu, availableParallelism());
  if (lost > 0)
    return `${figure(lost)} outcomes did not reach their pages with ${figure(pages)} of them; saturated: ${busy}`;
  if (p99 > LATE_MS) return `updates took ${figure(p99)} ms (p99) with ${figure(pages)} pages; saturated: ${busy}`;
  return null;
}

/** Cuts the connections of all pages and lets all come back at once. Meanwhile it starts tasks, to measure how long a start takes. */
async function reconnectAll(running: RunningStack): Promise<Reconnect> {
  const starts: number[] = [];
  let isOver = false;
  const probe = async () => {
    // The numbers begin above those of all other tasks of the run.
    for (let n = 900_000_000; !isOver; n++) {
      const input = makeInput({ n, user: 'prober', elements: 1, work: 'none', size: 0 });
      const sent = now();
      const answer = await fetch(`http://127.0.0.1:${running.services.env.PORT}/imports`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-user': 'prober' },
        body: JSON.stringify(input),
      });
      await answer.arrayBuffer();
      starts.push(now() - sent);
      await pause(50);
    }
  };
  const stop = watchCpu(running);
  const cutAt = now();
  await running.clients.call('cut');
  const probing = probe();
  const { open, failed, at } = await running.clients.call<Connected>('reconnect');
  const cpu = stop();
  const took = now() - cutAt;
  isOver = true;
  await probing;
  const seconds = at.map((ms) => ms / 1_000);
  return {
    pages: open,
    failed,
    p50: percentile(seconds, 0.5),
    p99: percentile(seconds, 0.99),
    last: Math.max(...seconds),
    cpu,
    cpuEach: Object.fromEntries(Object.entries(cpu).map(([name, share]) => [name, (share * took) / open])),
    startP50: percentile(starts, 0.5),
    startP99: percentile(starts, 0.99),
  };
}
