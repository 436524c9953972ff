// The parts `no-work` and `cpu-work`: how long the handler of one task takes, and how much of that is spent on telling
// its owner about each element.
import { median, ratio, sum } from '../../measure/stats.ts';
import { figure, spread, table } from '../../measure/table.ts';
import { atMost, type Context, definePart, type Part, type Report } from '../../part.ts';
import { inRounds, type Rounds } from '../../rounds.ts';
import { type TaskRun, withRunningStack } from '../../running-stack.ts';
import type { Services } from '../../services.ts';
import { makeInput, roundsFor, type TaskInput } from '../../stacks/task.ts';

const NAMES = ['queue-only', 'pusher-per-element', 'bullmq-socketio', 'status-row', 'inloop'] as const;
type Name = (typeof NAMES)[number];
const USER = 'user-0';

interface Figures {
  /** Milliseconds in the handler, from the first element until it returns. */
  readonly wall: number;
  /** Milliseconds from the first element until the page has the outcome; null for a stack without updates. */
  readonly known: number | null;
  /** Requests to the bus, and events that reached the page, for one task. */
  readonly calls: number;
  readonly received: number;
  /** Outcomes of all tasks that did not reach the page. */
  readonly lost: number;
}

interface Work {
  /** How many times every stack is measured. */
  readonly rounds: number;
  /** A short task is run again and again, at most 20 times, until all runs together take about this long. */
  readonly atLeastMs: number;
  task(n: number): TaskInput;
}

async function measure({ services, log }: Context, work: Work): Promise<Rounds<Name, Figures>> {
  return inRounds(NAMES, work.rounds, log, (stack) =>
    withRunningStack({ services, stack, users: [USER], concurrency: 1 }, async (running) => {
      // Warm-up: after 500 elements the code is compiled and every connection is open.
      await running.run(Array.from({ length: 5 }, (_, n) => ({ ...work.task(1_000 + n), elements: 100 })));
      const first = await running.run([work.task(0)]);
      // `wall` of a run is from the start of its tasks to the last outcome, and not, as in Figures, the time in the handler.
      const more = Math.min(Math.ceil(work.atLeastMs / first.wall), 20) - 1;
      const runs = [first];
      if (more > 0) runs.push(await running.run(Array.from({ length: more }, (_, n) => work.task(n + 1))));
      const marks = runs.flatMap((run) => run.marks);
      const known = runs.flatMap((run) => run.known);
      const each = (total: (run: TaskRun) => number) => sum(runs.map(total)) / marks.length;
      return {
        wall: median(marks.map(({ began, returned }) => returned - began)),
        known: known.length > 0 ? median(known) : null,
        calls: each(({ counts }) => counts.calls),
        received: each(({ received }) => received),
        lost: sum(runs.map(({ lost }) => lost)),
      };
    }),
  );
}

function rows(raw: Rounds<Name, Figures>): string {
  const walls = (name: Name) => raw[name].map(({ wall }) => wall);
  return table(
    [
      'stack',
      'in the handler, ms',
      '× queue-only',
      'page knows, ms',
      'calls to the bus',
      'events to the page',
      'outcomes lost',
    ],
    NAMES.map((name) => {
      const known = raw[name].flatMap((run) => (run.known === null ? [] : [run.known]));
      const last = raw[name].at(-1);
      return [
        name,
        spread(walls(name)),
        figure(ratio(walls(name), walls('queue-only'))),
        known.length > 0 ? spread(known) : '–',
        figure(last?.calls),
        figure(last?.received),
        figure(sum(raw[name].map(({ lost }) => lost))),
      ];
    }),
  );
}

export const noWork: Part<unknown> = definePart<Rounds<Name, Figures>>({
  name: 'no-work',
  title: 'no-work: one task, 1,000 elements without work',
  measure: (context) =>
    measure(context, {
      rounds: context.quick ? 1 : 3,
      atLeastMs: context.quick ? 0 : 1_000,
      task: (n) => makeInput({ n, user: USER, elements: 1_000, work: 'none', size: 0 }),
    }),
  report: (raw): Report => ({
    text: rows(raw),
    targets: [atMost('no-work: time in the handler', median(raw.inloop.map(({ wall }) => wall)), 2, ' ms')],
  }),
});

const CPU_ELEMENTS = 20_000;
const CPU_ELEMENT_US = 50;

/** @param size rounds of arithmetic for one element: the result of `roundsFor(CPU_ELEMENT_US)` */
const cpuTask = (n: number, size: number, elements = CPU_ELEMENTS): TaskInput =>
  makeInput({ n, user: USER, elements, work: 'cpu', size });

/** Runs tasks of `cpu-work` in inloop's worker, one after the other. Returns when they began and ended (bench's clock). */
export function runCpuWork(services: Services, { profileFolder, tasks }: { profileFolder: string; tasks: number }) {
  const size = roundsFor(CPU_ELEMENT_US);
  const inputs = Array.from({ length: tasks }, (_, n) => cpuTask(n, size));
  return withRunningStack(
    { services, stack: 'inloop', users: [USER], concurrency: 1, profileFolder },
    async (running) => {
      const { began, wall } = await running.run(inputs);
      return { from: began, to: began + wall };
    },
  );
}

export const cpuWork: Part<unknown> = definePart<Rounds<Name, Figures>>({
  name: 'cpu-work',
  title: 'cpu-work: one task, 20,000 elements of 50 µs CPU',
  measure(context) {
    const size = roundsFor(CPU_ELEMENT_US);
    return measure(context, {
      rounds: context.quick ? 1 : 5,
      atLeastMs: context.quick ? 0 : 4_000,
      task: (n) => cpuTask(n, size, context.quick ? 4_000 : CPU_ELEMENTS),
    });
  },
  report: (raw): Report => ({
    text: rows(raw),
    targets: [
      atMost(
        'cpu-work: time in the handler × queue-only',
        ratio(
          raw.inloop.map(({ wall }) => wall),
          raw['queue-only'].map(({ wall }) => wall),
        ),
        1.02,
      ),
    ],
  }),
});
