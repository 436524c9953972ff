// W3: many users, many tasks, short elements. What a task costs everybody, and how soon its owner knows.
import { median, percentile, ratio, sum } from '../measure/stats.ts';
import { figure, spread, table } from '../measure/table.ts';
import { atLeast, atMost, definePart, holds, type Part } from '../part.ts';
import { inRounds, type Rounds } from '../rounds.ts';
import { makeInput, type TaskInput } from '../stacks/task.ts';
import { type Cpu, perTask, totalOf, withTurn } from '../turn.ts';
import type { CommandCounts } from '../world.ts';

const NAMES = ['none', 's1', 's3', 's4', 'inloop'] as const;
type Name = (typeof NAMES)[number];
const TASKS_A_USER = 5;

interface Figures {
  readonly tasksPerSecond: number;
  /** A task, in ms. */
  readonly cpu: Cpu;
  readonly events: number;
  readonly calls: number;
  readonly polls: number;
  readonly commands: CommandCounts;
  readonly latencies: readonly number[];
  readonly lost: number;
}

/** The users of W3 and their tasks, every user's first before anybody's second. */
export function w3Tasks(users: number, { elements = 100, from = 0 } = {}): { users: string[]; inputs: TaskInput[] } {
  const names = Array.from({ length: users }, (_, index) => `user-${index}`);
  const inputs = Array.from({ length: users * TASKS_A_USER }, (_, index) =>
    makeInput({ n: from + index, user: names[index % users] as string, elements, work: 'sleep', size: 1 }),
  );
  return { users: names, inputs };
}

export const w3: Part<unknown> = definePart<Rounds<Name, Figures>>({
  name: 'w3',
  title: 'W3: 200 users × 5 tasks × 100 elements of 1 ms sleep, worker concurrency 20',
  measure({ world, quick, log }) {
    const { users, inputs } = w3Tasks(quick ? 20 : 200);
    const few = quick ? 5 : 10;
    return inRounds(NAMES, quick ? 1 : 3, log, (stack) =>
      withTurn({ world, stack, users }, async (turn) => {
        // Warm-up. Then the commands are counted on tasks of their own, since counting each costs Redis time.
        await turn.run(w3Tasks(few, { from: 1_000_000 }).inputs);
        await world.redis.countFrom();
        const counted = w3Tasks(few, { from: 2_000_000 }).inputs;
        await turn.run(counted);
        const { sent, run, byName } = await world.redis.counted();
        const result = await turn.run(inputs);
        const each = (total: number) => total / inputs.length;
        return {
          tasksPerSecond: (inputs.length / result.wall) * 1_000,
          cpu: perTask(result.cpu, inputs.length),
          events: each(result.received),
          calls: each(result.counts.calls),
          polls: each(result.polls),
          commands: {
            sent: sent / counted.length,
            run: run / counted.length,
            byName: Object.fromEntries(Object.entries(byName).map(([name, count]) => [name, count / counted.length])),
          },
          latencies: result.latencies,
          lost: result.lost,
        };
      }),
    );
  },
  report(raw) {
    const of = (name: Name, pick: (figures: Figures) => number) => raw[name].map(pick);
    const speed = (name: Name) => of(name, ({ tasksPerSecond }) => tasksPerSecond);
    const cpu = (name: Name) => of(name, (figures) => totalOf(figures.cpu));
    const all = (name: Name) => raw[name].flatMap(({ latencies }) => latencies);
    const middle = (name: Name, pick: (figures: Figures) => number) => median(of(name, pick));
    const text = [
      table(
        ['stack', 'tasks/s', '× none', 'CPU ms a task', '× none', 'outcome p50, ms', 'p99, ms', 'lost'],
        NAMES.map((name) => [
          name,
          spread(speed(name)),
          figure(ratio(speed(name), speed('none'))),
          spread(cpu(name)),
          figure(ratio(cpu(name), cpu('none'))),
          figure(percentile(all(name), 0.5)),
          figure(percentile(all(name), 0.99)),
          figure(sum(of(name, ({ lost }) => lost))),
        ]),
      ),
      'CPU by process, and what a task sends (medians). Redis commands: as clients send them, a script being one; and with those inside scripts (`INFO commandstats`).',
      table(
        ['stack', 'server', 'worker', 'Redis', 'Soketi', 'events', 'calls to the bus', 'polls', 'commands sent', 'run'],
        NAMES.map((name) => [
          name,
          ...(['server', 'worker', 'redis', 'soketi'] as const).map((part) =>
            figure(middle(name, (run) => run.cpu[part])),
          ),
          ...(['events', 'calls', 'polls'] as const).map((what) => figure(middle(name, (run) => run[what]))),
          figure(middle(name, ({ commands }) => commands.sent)),
          figure(middle(name, ({ commands }) => commands.run)),
        ]),
      ),
      `inloop’s, by command: ${byCommand(raw.inloop.at(-1)?.commands.byName ?? {})}. The changes of a task (accepted, running, its steps, the outcome) are one script each: in it the revision is compared and the record written, at the ends also the lists of active and unseen tasks, the inbox and the mark of what was not pushed. To run fewer, one of these would have to go.`,
    ].join('\n\n');
    const commands = (which: 'sent' | 'run') =>
      middle('inloop', (run) => run.commands[which]) - middle('none', (run) => run.commands[which]);
    const p99 = (name: Name) => percentile(all(name), 0.99);
    return {
      text,
      targets: [
        atLeast('W3 tasks/s × none', ratio(speed('inloop'), speed('none')), 0.9),
        atMost('W3 CPU of all processes a task × none', ratio(cpu('inloop'), cpu('none')), 2),
        atMost(
          'W3 events a task',
          middle('inloop', ({ events }) => events),
          3,
        ),
        atMost(
          'W3 calls to the bus a task',
          middle('inloop', ({ calls }) => calls),
          0.4,
        ),
        atMost('W3 Redis commands sent a task, beyond none', commands('sent'), 6),
        atMost('W3 Redis commands run a task, those inside scripts too, beyond none', commands('run'), 6),
        holds(
          'W3 outcome p99 below S3’s',
          `${figure(p99('inloop'))} ms`,
          `< ${figure(p99('s3'))} ms`,
          p99('inloop') < p99('s3'),
        ),
        holds(
          'W3 outcomes lost',
          figure(sum(of('inloop', ({ lost }) => lost))),
          '0',
          of('inloop', ({ lost }) => lost).every((lost) => lost === 0),
        ),
      ],
    };
  },
});

/** `evalsha 4.1, hget 3.9, …`, the most frequent first; what is run less than once in ten tasks is left out. */
function byCommand(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count >= 0.1)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${figure(count)}`)
    .join(', ');
}
