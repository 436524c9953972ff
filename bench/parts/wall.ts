// W1 and W2: how long one task takes, and how much longer because somebody is told of each element.

import { median, ratio, sum } from '../measure/stats.ts';
import { figure, spread, table } from '../measure/table.ts';
import { atMost, type Context, definePart, type Part, type Report } from '../part.ts';
import { inRounds, type Rounds } from '../rounds.ts';
import { makeInput, roundsFor, type TaskInput } from '../stacks/task.ts';
import { type TaskRun, withTurn } from '../turn.ts';
import type { World } from '../world.ts';

const NAMES = ['none', 's1', 's3', 's4', 'inloop'] as const;
type Name = (typeof NAMES)[number];
const USER = 'user-0';

interface Figures {
  /** In the handler, from the first element until it has nothing more to do. */
  readonly wall: number;
  /** From the first element until the page knows the outcome; NaN (null in JSON) where none is told. */
  readonly known: number | null;
  readonly calls: number;
  readonly received: number;
  readonly lost: number;
}

interface Work {
  readonly rounds: number;
  /** A turn repeats the task until it took this long, at most 20 times: so short ones are measured as long as long ones. */
  readonly atLeastMs: number;
  task(n: number): TaskInput;
}

async function measure({ world, log }: Context, work: Work): Promise<Rounds<Name, Figures>> {
  return inRounds(NAMES, work.rounds, log, (stack) =>
    withTurn({ world, stack, users: [USER], concurrency: 1 }, async (turn) => {
      // Warm-up: 500 elements are enough for every compiler and connection.
      await turn.run(Array.from({ length: 5 }, (_, n) => ({ ...work.task(1_000 + n), elements: 100 })));
      const first = await turn.run([work.task(0)]);
      const more = Math.min(Math.ceil(work.atLeastMs / first.wall), 20) - 1;
      const runs = [first];
      if (more > 0) runs.push(await turn.run(Array.from({ length: more }, (_, n) => work.task(n + 1))));
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
    ['stack', 'wall, ms', '× none', 'page knows, ms', 'calls to the bus', 'events to the page', 'outcomes lost'],
    NAMES.map((name) => {
      const known = raw[name].flatMap((run) => (run.known === null ? [] : [run.known]));
      const last = raw[name].at(-1);
      return [
        name,
        spread(walls(name)),
        figure(ratio(walls(name), walls('none'))),
        known.length > 0 ? spread(known) : '–',
        figure(last?.calls),
        figure(last?.received),
        figure(sum(raw[name].map(({ lost }) => lost))),
      ];
    }),
  );
}

export const w1: Part<unknown> = definePart<Rounds<Name, Figures>>({
  name: 'w1',
  title: 'W1: one task, 1,000 elements, no work',
  measure: (context) =>
    measure(context, {
      rounds: context.quick ? 1 : 3,
      atLeastMs: context.quick ? 0 : 1_000,
      task: (n) => makeInput({ n, user: USER, elements: 1_000, work: 'none', size: 0 }),
    }),
  report: (raw): Report => ({
    text: rows(raw),
    targets: [atMost('W1 wall', median(raw.inloop.map(({ wall }) => wall)), 2, ' ms')],
  }),
});

const W2_ELEMENTS = 20_000;
const W2_ELEMENT_US = 50;

/** @param size what `roundsFor(W2_ELEMENT_US)` gave */
const w2Task = (n: number, size: number, elements = W2_ELEMENTS): TaskInput =>
  makeInput({ n, user: USER, elements, work: 'cpu', size });

/** Lets inloop's worker do W2 a few times, one after the other; returns from when to when, on the bench's clock. */
export function compute(world: World, { profileFolder, tasks }: { profileFolder: string; tasks: number }) {
  const size = roundsFor(W2_ELEMENT_US);
  const inputs = Array.from({ length: tasks }, (_, n) => w2Task(n, size));
  return withTurn({ world, stack: 'inloop', users: [USER], concurrency: 1, profileFolder }, async (turn) => {
    const { began, wall } = await turn.run(inputs);
    return { from: began, to: began + wall };
  });
}

export const w2: Part<unknown> = definePart<Rounds<Name, Figures>>({
  name: 'w2',
  title: 'W2: one task, 20,000 elements of 50 µs CPU',
  measure(context) {
    const size = roundsFor(W2_ELEMENT_US);
    return measure(context, {
      rounds: context.quick ? 1 : 5,
      atLeastMs: context.quick ? 0 : 4_000,
      task: (n) => w2Task(n, size, context.quick ? 4_000 : W2_ELEMENTS),
    });
  },
  report: (raw): Report => ({
    text: rows(raw),
    targets: [
      atMost(
        'W2 wall × none',
        ratio(
          raw.inloop.map(({ wall }) => wall),
          raw.none.map(({ wall }) => wall),
        ),
        1.02,
      ),
    ],
  }),
});
