// The parts `requests`, `tasks` and `pushes`: how many of these a second are possible as the load is stepped up, where the knee is, and
// what is saturated there.
import { availableParallelism } from 'node:os';
import { percentile } from '../../measure/stats.ts';
import { figure, table } from '../../measure/table.ts';
import { type Context, definePart, holds, type Part, type Report } from '../../part.ts';
import { BenchProcess } from '../../processes/bench-process.ts';
import type { LoadResult } from '../../processes/load.ts';
import { type RunningStack, withRunningStack } from '../../running-stack.ts';
import { makeInput, type TaskInput } from '../../stacks/task.ts';
import { findKnee, nameSaturated, type Step, watchCpu } from '../knee.ts';

/** What each of these parts has measured. */
export interface Throughput {
  readonly steps: readonly Step[];
  /** Answers that were no 202, or outcomes that reached no page. */
  readonly failed: number;
}

const PROCESSES = ['server', 'worker', 'redis', 'soketi', 'pages', 'sender'];
const users = (count: number) => Array.from({ length: count }, (_, index) => `user-${index}`);

/**
 * Reports the steps, the knee, and what is saturated at the knee and at the last step.
 *
 * @param name the name of the part
 * @param what what is counted: `tasks`
 * @param words the text before the table, and the headings of the columns for the load and the delay
 */
function reportSteps(
  name: string,
  what: string,
  words: { intro: string; load: string; delay: string },
  raw: Throughput,
): Report {
  const { steps, failed } = raw;
  const knee = findKnee(steps);
  const processes = PROCESSES.filter((process) => steps.some(({ cpu }) => (cpu[process] ?? 0) > 0));
  const last = steps.at(-1) ?? knee;
  const busyAtKnee = nameSaturated(knee.cpu, availableParallelism());
  return {
    text: [
      words.intro,
      table(
        [
          words.load,
          `${what}/s`,
          `${words.delay}: p50, ms`,
          'p99, ms',
          ...processes.map((process) => `${process}, cores`),
        ],
        steps.map(({ load, perSecond, p50, p99, cpu }) => [
          figure(load),
          figure(perSecond),
          figure(p50),
          figure(p99),
          ...processes.map((process) => figure(cpu[process])),
        ]),
      ),
      `The knee is at ${figure(knee.perSecond)} ${what} a second (${words.load}: ${figure(knee.load)}). Saturated there: ${busyAtKnee}. At the last step: ${nameSaturated(last.cpu, availableParallelism())}.`,
    ].join('\n\n'),
    targets: [holds(`${name}: refused or lost`, figure(failed), '0', failed === 0)],
  };
}

/** How many connections send requests, step by step. */
const CONNECTIONS = [1, 2, 4, 8, 16, 32, 64, 128];
/** How many owners the requests are from, in turn. */
const OWNERS = 10_000;

export const requests: Part<unknown> = definePart<Throughput>({
  name: 'requests',
  title: 'Accepted tasks (`202`)',
  measure({ services, quick, log }) {
    return withRunningStack({ services, stack: 'inloop', users: [], hasWorker: false }, async (running) => {
      const loader = await BenchProcess.start('load', { env: services.env });
      const body = makeInput({ n: 0, user: 'user-0', elements: 100, work: 'sleep', size: 1 });
      const send = (connections: number, ms: number) =>
        loader.call<LoadResult>('during', { request: { path: '/imports', body }, connections, ms, users: OWNERS });
      try {
        await send(8, 1_000);
        const steps: Step[] = [];
        let failed = 0;
        for (const load of quick ? [1, 8] : CONNECTIONS) {
          log(`${load} connections`);
          const stop = watchCpu(running, { sender: loader.pid });
          const { latencies, statuses, began, ended } = await send(load, quick ? 1_000 : 5_000);
          const accepted = statuses['202'] ?? 0;
          failed += Object.values(statuses).reduce((sum, count) => sum + count, 0) - accepted;
          steps.push({
            load,
            perSecond: (accepted / (ended - began)) * 1_000,
            p50: percentile(latencies, 0.5),
            p99: percentile(latencies, 0.99),
            cpu: stop(),
          });
        }
        return { steps, failed };
      } finally {
        await loader.stop();
      }
    });
  },
  report: (raw) =>
    reportSteps(
      'requests',
      'requests',
      {
        intro: `One server answers \`POST /imports\` with 202. Each connection sends one request after the other, as ${figure(OWNERS)} owners in turn. No worker runs, so all tasks wait in line.`,
        load: 'connections',
        delay: 'answer',
      },
      raw,
    ),
});

/** How many handlers run at once, step by step. */
const HANDLERS = [5, 20, 50, 100, 200, 400];
/** How long a handler runs. */
const HANDLER_MS = 50;
/** How many users have a page open. */
const WATCHING = 500;

export const tasks: Part<unknown> = definePart<Throughput>({
  name: 'tasks',
  title: 'Tasks a second',
  measure: (context) =>
    stepUp(context, context.quick ? [5, 50] : HANDLERS, {
      users: () => WATCHING,
      inputs: (handlers, from) =>
        Array.from({ length: Math.min(handlers * 40, 6_000) }, (_, index) =>
          makeInput({
            n: from + index,
            user: `user-${index % WATCHING}`,
            elements: 1,
            work: 'sleep',
            size: HANDLER_MS,
          }),
        ),
      count: 'tasks',
    }),
  report: (raw) =>
    reportSteps(
      'tasks',
      'tasks',
      {
        intro: `Tasks of ${HANDLER_MS} ms, started as fast as the server accepts them, run by one worker with more and more handlers at once, and pushed to ${WATCHING} pages. The delay is from the end of a task's work to its outcome on the page.`,
        load: 'handlers at once',
        delay: 'outcome',
      },
      raw,
    ),
});

/** How many users are active, step by step. */
const ACTIVE = [50, 100, 200, 400, 800, 1_600];
/** How many messages a second each of them gets at most. */
const PUSHES_EACH = 10;

export const pushes: Part<unknown> = definePart<Throughput>({
  name: 'pushes',
  title: 'Pushes a second',
  measure: (context) =>
    stepUp(context, context.quick ? [10, 50] : ACTIVE, {
      users: (active) => active,
      // A task with at most 20 elements gets a message for each. 20 elements in 2 s are one every 100 ms, which is as much as a
      // user's budget allows.
      inputs: (active, from) =>
        Array.from({ length: active * 2 }, (_, index) =>
          makeInput({ n: from + index, user: `user-${index % active}`, elements: 20, work: 'paced', size: 2_000 }),
        ),
      count: 'messages',
    }),
  report: (raw) =>
    reportSteps(
      'pushes',
      'messages',
      {
        intro: `The most that users can be sent: each has one task at a time that moves ${PUSHES_EACH} times a second, and each move is pushed. Work of an even pace takes about 12 messages a minute instead. Where the bus, the store or the worker is slow, states are left out and outcomes are not, so the messages stop growing while nothing is lost.`,
        load: 'active users',
        delay: 'outcome',
      },
      raw,
    ),
});

/** How the load of each step is made, and what is counted. */
interface StepPlan {
  /** How many users have a page at a step. */
  readonly users: (load: number) => number;
  /** The tasks of a step. @param from number of the first one */
  readonly inputs: (load: number, from: number) => readonly TaskInput[];
  readonly count: 'tasks' | 'messages';
}

/** Measures each step: runs its tasks in a worker with `load` handlers at once, in new processes and with an empty Redis. */
async function stepUp({ services, log }: Context, loads: readonly number[], plan: StepPlan): Promise<Throughput> {
  const steps: Step[] = [];
  let failed = 0;
  for (const load of loads) {
    log(`${load} at once`);
    const options = {
      services,
      stack: 'inloop',
      users: users(plan.users(load)),
      concurrency: load,
      pages: 'sockets',
    } as const;
    const step = await withRunningStack(options, async (running) => {
      // Warm-up, with numbers that the measured tasks do not use.
      await running.run(plan.inputs(Math.min(load, 20), 10_000_000));
      return measureStep(running, load, plan);
    });
    steps.push(step);
    failed += step.lost;
  }
  return { steps, failed };
}

async function measureStep(running: RunningStack, load: number, plan: StepPlan): Promise<Step & { lost: number }> {
  const inputs = plan.inputs(load, load * 100_000);
  const stop = watchCpu(running);
  const { wall, latencies, lost, received } = await running.run(inputs);
  return {
    load,
    perSecond: ((plan.count === 'tasks' ? inputs.length : received) / wall) * 1_000,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    cpu: stop(),
    lost,
  };
}
