// The part `growth`: whether one second of one task costs more when there are more active tasks, or when a task has more elements. The
// cost is measured in messages, and in CPU of all processes beyond what they use when idle.
import { pause } from '../../measure/clock.ts';
import { median, sum } from '../../measure/stats.ts';
import { figure, table } from '../../measure/table.ts';
import { atMost, definePart, type Part } from '../../part.ts';
import { addUpCpu, type RunningStack, subtractCpu, withRunningStack } from '../../running-stack.ts';
import { type Services, withOwnServices } from '../../services.ts';
import { makeInput } from '../../stacks/task.ts';

/** The numbers of active tasks, step by step. */
const ACTIVE_TASKS = [1, 10, 100, 1_000, 10_000];
/** Each task has a user of its own, up to this number of users. */
const MOST_USERS = 1_000;
/** The numbers of elements a task, step by step. */
const ELEMENTS_A_TASK = [100, 10_000, 1_000_000];
/** How long a task takes while the number of elements grows. 100 elements in 8 s are 12.5 a second, above the limit of 10 pushes. */
const ELEMENT_SECONDS = 8;
/** How many tasks are active while the number of elements grows. */
const TASKS = 20;

interface Figures {
  /** Number of active tasks, or of elements a task. */
  readonly size: number;
  /** CPU of all processes for one second of one task, in ms. */
  readonly cpu: number;
  /** Messages for one second of one task. */
  readonly messages: number;
  readonly lost: number;
}

interface Growth {
  readonly active: readonly Figures[];
  readonly elements: readonly Figures[];
}

interface Load {
  readonly services: Services;
  readonly tasks: number;
  readonly elements: number;
  readonly seconds: number;
}

export const growth: Part<unknown> = definePart<Growth>({
  name: 'growth',
  title: 'growth: what one second of one task costs',
  async measure({ services, quick, log }) {
    const active: Figures[] = [];
    for (const tasks of quick ? [1, 100] : ACTIVE_TASKS) {
      log(`${tasks} active tasks`);
      const seconds = quick ? 4 : 20;
      active.push({
        size: tasks,
        ...(await measureCost('inloop', { services, tasks, elements: seconds * 5, seconds })),
      });
    }
    // The CPU is the difference of two measurements. One round is too inexact for a difference, so take the median of three.
    const rounds = new Map<number, Omit<Figures, 'size'>[]>();
    for (let round = 1; round <= (quick ? 1 : 3); round++) {
      for (const size of quick ? [100, 10_000] : ELEMENTS_A_TASK) {
        log(`round ${round}: ${size.toLocaleString('en')} elements a task`);
        const load = { tasks: TASKS, elements: size, seconds: ELEMENT_SECONDS };
        // The loop over a million elements costs CPU by itself. queue-only runs the same loop without updates, so its CPU is
        // subtracted. Both run at the same time, so that a busy minute of the machine slows both.
        const [withUpdates, without] = await Promise.all([
          measureCost('inloop', { ...load, services }),
          withOwnServices((own) => measureCost('queue-only', { ...load, services: own })),
        ]);
        rounds.set(size, [...(rounds.get(size) ?? []), { ...withUpdates, cpu: withUpdates.cpu - without.cpu }]);
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
    /** The greatest cost of any size, divided by the cost of the size at index `from`. */
    const growthOf = (all: readonly Figures[], what: 'cpu' | 'messages', from: number) => {
      const values = all.slice(from).map((figures) => figures[what]);
      return Math.max(...values) / (values[0] ?? Number.NaN);
    };
    return {
      text: [
        `Active tasks in one worker, for 20 s. Each has a user of its own with a page open, up to ${figure(MOST_USERS)} users, and 5 elements a second. The CPU that idle processes use is subtracted. With more tasks a task-second costs less, because a process that wakes up handles several messages at once.`,
        table(['active tasks', 'CPU ms a task-second', 'messages a task-second', 'lost'], rows(active)),
        `Elements a task, with ${TASKS} tasks at a time and the elements spread evenly over the same time. The CPU is what inloop uses more than queue-only for the same work: the median of three rounds.`,
        table(['elements', 'CPU ms a task-second', 'messages a task-second', 'lost'], rows(elements)),
        BEFORE,
      ].join('\n\n'),
      targets: [
        atMost(
          'growth: CPU a task-second, 10 to 10,000 active tasks',
          growthOf(active, 'cpu', active.length > 2 ? 1 : 0),
          1.2,
        ),
        atMost('growth: messages a task-second, 1 to 10,000 active tasks', growthOf(active, 'messages', 0), 1.2),
        atMost('growth: CPU a task-second, 10² to 10⁶ elements', growthOf(elements, 'cpu', 0), 1.2),
        atMost('growth: messages a task-second, 10² to 10⁶ elements', growthOf(elements, 'messages', 0), 1.2),
      ],
    };
  },
});

function measureCost(
  stack: 'inloop' | 'queue-only',
  { services, tasks, elements, seconds }: Load,
): Promise<Omit<Figures, 'size'>> {
  const users = Array.from({ length: Math.min(tasks, MOST_USERS) }, (_, index) => `user-${index}`);
  const inputs = (from: number, ms: number, count: number) =>
    Array.from({ length: tasks }, (_, index) =>
      makeInput({
        n: from + index,
        user: users[index % users.length] as string,
        elements: count,
        work: 'paced',
        size: ms,
      }),
    );
  return withRunningStack({ services, stack, users, concurrency: tasks }, async (running) => {
    // Warm-up: 50 elements in 500 ms, with numbers that the measured tasks do not use.
    await running.run(inputs(1_000_000, 500, 50).slice(0, MOST_USERS));
    const idle = await measureIdleCost(running, 3_000);
    const run = await running.run(inputs(0, seconds * 1_000, elements));
    return {
      cpu: (addUpCpu(run.cpu) - idle * run.wall) / (tasks * seconds),
      messages: run.received / (tasks * seconds),
      lost: run.lost,
    };
  });
}

/** CPU that all processes use while no task runs, in ms of CPU a ms of time. */
async function measureIdleCost(running: RunningStack, ms: number): Promise<number> {
  const before = running.cpu();
  await pause(ms);
  return addUpCpu(subtractCpu(running.cpu(), before)) / ms;
}

/** A comparison that was measured by hand: the two commits in turn, with the same load. */
const BEFORE = `Before and after push on surprise (commits 525a2ed and 57cc21f; 2026-11-28, one run each beside other work on the machine; 5 elements a second, 10 to 15 s in the middle of the tasks):

| active tasks | users | messages a task-second: before | after | CPU ms a task-second: before | after |
|--------------|-------|--------------------------------|-------|------------------------------|-------|
| 1,000        | 1,000 | 2.35                           | 0.11  | 0.374                        | 0.078 |
| 1,000        | 100   | 0.991                          | 0.119 | 0.297                        | 0.11  |
| 10,000       | 1,000 | 0.136                          | 0.106 | 0.0575                       | 0.0786 |

With 10,000 tasks the earlier worker was overloaded. It sent each user one message in 0.7 s instead of ten a second, so each task had one in 7 s. Its CPU is low because it left out the others. Of the later CPU, 0.0174 ms are the work itself (queue-only). The rest is mostly the looks and a sign of life every 10 s.`;
