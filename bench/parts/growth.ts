// Whether the cost of telling grows with the work: more tasks at a time, more elements a task. In CPU of all processes
// above what they use when idle, and in messages, both for one second of one task.
import { pause } from '../measure/clock.ts';
import { median, sum } from '../measure/stats.ts';
import { figure, table } from '../measure/table.ts';
import { atMost, definePart, type Part } from '../part.ts';
import { makeInput } from '../stacks/task.ts';
import { subtract, type Turn, totalOf, withTurn } from '../turn.ts';
import { inOwnWorld, type World } from '../world.ts';

const ACTIVE = [1, 10, 100, 1_000];
const ELEMENTS = [100, 10_000, 1_000_000];
/** How long a task takes while the elements grow: the fewest are still more than the ten a second that are told. */
const ELEMENT_SECONDS = 8;
/** Active at a time meanwhile. */
const TASKS = 20;

interface Figures {
  /** Active tasks, or elements a task. */
  readonly size: number;
  /** Of all processes, a second of a task, in ms. */
  readonly cpu: number;
  readonly messages: number;
  readonly lost: number;
}

interface Growth {
  readonly active: readonly Figures[];
  readonly elements: readonly Figures[];
}

interface Load {
  readonly world: World;
  readonly tasks: number;
  readonly elements: number;
  readonly seconds: number;
}

export const growth: Part<unknown> = definePart<Growth>({
  name: 'growth',
  title: 'Growth: what a second of a task costs',
  async measure({ world, quick, log }) {
    const active: Figures[] = [];
    for (const tasks of quick ? [1, 100] : ACTIVE) {
      log(`${tasks} active tasks`);
      const seconds = quick ? 4 : 10;
      active.push({ size: tasks, ...(await costOf('inloop', { world, tasks, elements: seconds * 5, seconds })) });
    }
    // A difference of two: one round of it is known to a few tenths only.
    const rounds = new Map<number, Omit<Figures, 'size'>[]>();
    for (let round = 1; round <= (quick ? 1 : 3); round++) {
      for (const size of quick ? [100, 10_000] : ELEMENTS) {
        log(`round ${round}: ${size.toLocaleString('en')} elements a task`);
        const load = { tasks: TASKS, elements: size, seconds: ELEMENT_SECONDS };
        // The loop over a million elements costs something by itself. Side by side, so that both meet the same machine.
        const [told, untold] = await Promise.all([
          costOf('inloop', { ...load, world }),
          inOwnWorld((own) => costOf('none', { ...load, world: own })),
        ]);
        rounds.set(size, [...(rounds.get(size) ?? []), { ...told, cpu: told.cpu - untold.cpu }]);
      }
    }
    const elements = [...rounds].map(([size, all]) => ({
      size,
      cpu: median(all.map(({ cpu }) => cpu)),
      messages: median(all.map(({ messages }) => messages)),
      lost: sum(all.map(({ lost }) => lost)),
    }));
    return { active, elements };
  },
  report({ active, elements }) {
    const rows = (all: readonly Figures[]) =>
      all.map(({ size, cpu, messages, lost }) => [figure(size), figure(cpu), figure(messages), figure(lost)]);
    /** The most that any size costs, against the smallest that is measured well. */
    const growthOf = (all: readonly Figures[], what: 'cpu' | 'messages', from: number) => {
      const values = all.slice(from).map((figures) => figures[what]);
      return Math.max(...values) / (values[0] ?? Number.NaN);
    };
    return {
      text: [
        'Active tasks in one worker, each of a user of its own with a page open, each with 5 elements a second. What idle processes use is taken off; what is left falls with the number of tasks, since one that wakes up for a single message pays for the waking.',
        table(['active tasks', 'CPU ms a task-second', 'messages a task-second', 'lost'], rows(active)),
        `Elements a task, ${TASKS} tasks at a time, spread evenly over the same time. The CPU is what comes on top of the same work under none, the median of three rounds.`,
        table(['elements', 'CPU ms a task-second', 'messages a task-second', 'lost'], rows(elements)),
      ].join('\n\n'),
      targets: [
        atMost(
          'CPU a task-second, 10 to 1,000 active tasks, growth',
          growthOf(active, 'cpu', active.length > 2 ? 1 : 0),
          1.2,
        ),
        atMost('Messages a task-second, 1 to 1,000 active tasks, growth', growthOf(active, 'messages', 0), 1.2),
        atMost('CPU a task-second, 10² to 10⁶ elements, growth', growthOf(elements, 'cpu', 0), 1.2),
        atMost('Messages a task-second, 10² to 10⁶ elements, growth', growthOf(elements, 'messages', 0), 1.2),
      ],
    };
  },
});

function costOf(stack: 'inloop' | 'none', { world, tasks, elements, seconds }: Load): Promise<Omit<Figures, 'size'>> {
  const users = Array.from({ length: tasks }, (_, index) => `user-${index}`);
  const inputs = (from: number, size: number, count: number) =>
    users.map((user, index) => makeInput({ n: from + index, user, elements: count, work: 'paced', size }));
  return withTurn({ world, stack, users, concurrency: tasks }, async (turn) => {
    await turn.run(inputs(1_000_000, 500, 50));
    const idle = await idleCost(turn, 3_000);
    const run = await turn.run(inputs(0, seconds * 1_000, elements));
    return {
      cpu: (totalOf(run.cpu) - idle * run.wall) / (tasks * seconds),
      messages: run.received / (tasks * seconds),
      lost: run.lost,
    };
  });
}

/** What all processes use while nothing is going on, in ms of CPU a ms. */
async function idleCost(turn: Turn, ms: number): Promise<number> {
  const before = turn.cpu();
  await pause(ms);
  return totalOf(subtract(turn.cpu(), before)) / ms;
}
