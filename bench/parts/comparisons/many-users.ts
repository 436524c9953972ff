// The part `many-users`: 200 users with five tasks each. Measures tasks a second, CPU and messages a task, and the delay
// from the end of a task to its owner's page, for every stack.
import { median, percentile, ratio, sum } from '../../measure/stats.ts';
import { figure, spread, table } from '../../measure/table.ts';
import { atLeast, atMost, definePart, holds, type Part } from '../../part.ts';
import { inRounds, type Rounds } from '../../rounds.ts';
import { addUpCpu, type Cpu, divideCpu, withRunningStack } from '../../running-stack.ts';
import type { CommandCounts } from '../../services.ts';
import { makeInput, type TaskInput } from '../../stacks/task.ts';

const NAMES = ['queue-only', 'pusher-per-element', 'bullmq-socketio', 'status-row', 'inloop'] as const;
type Name = (typeof NAMES)[number];
const TASKS_A_USER = 5;

interface Figures {
  readonly tasksPerSecond: number;
  /** CPU of each process, in ms a task. */
  readonly cpu: Cpu;
  /** Averages for one task: events that reached pages, requests to the bus, polls, and Redis commands. */
  readonly events: number;
  readonly calls: number;
  readonly polls: number;
  readonly commands: CommandCounts;
  /** From a task's last element to its outcome on the page, in ms, one entry a task. */
  readonly latencies: readonly number[];
  /** Outcomes that reached no page. */
  readonly lost: number;
}

/** The users of this part and their tasks: the first task of every user, then the second of every user, and so on. */
export function manyUsersTasks(
  users: number,
  { elements = 100, from = 0 } = {},
): { users: string[]; inputs: TaskInput[] } {
  const names = Array.from({ length: users }, (_, index) => `user-${index}`);
  const inputs = Array.from({ length: users * TASKS_A_USER }, (_, index) =>
    makeInput({ n: from + index, user: names[index % users] as string, elements, work: 'sleep', size: 1 }),
  );
  return { users: names, inputs };
}

export const manyUsers: Part<unknown> = definePart<Rounds<Name, Figures>>({
  name: 'many-users',
  title: 'many-users: 200 users × 5 tasks × 100 elements of 1 ms sleep, worker concurrency 20',
  measure({ services, quick, log }) {
    const { users, inputs } = manyUsersTasks(quick ? 20 : 200);
    const few = quick ? 5 : 10;
    return inRounds(NAMES, quick ? 1 : 3, log, (stack) =>
      withRunningStack({ services, stack, users }, async (running) => {
        // Warm-up. Redis commands are counted on separate tasks, because counting slows Redis down.
        await running.run(manyUsersTasks(few, { from: 1_000_000 }).inputs);
        await services.redis.startCounting();
        const counted = manyUsersTasks(few, { from: 2_000_000 }).inputs;
        await running.run(counted);
        const { sent, run, byName } = await services.redis.stopCounting();
        const result = await running.run(inputs);
        const each = (total: number) => total / inputs.length;
        return {
          tasksPerSecond: (inputs.length / result.wall) * 1_000,
          cpu: divideCpu(result.cpu, inputs.length),
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
    const cpu = (name: Name) => of(name, (figures) => addUpCpu(figures.cpu));
    const all = (name: Name) => raw[name].flatMap(({ latencies }) => latencies);
    const middle = (name: Name, pick: (figures: Figures) => number) => median(of(name, pick));
    const text = [
      table(
        ['stack', 'tasks/s', '× queue-only', 'CPU ms a task', '× queue-only', 'outcome p50, ms', 'p99, ms', 'lost'],
        NAMES.map((name) => [
          name,
          spread(speed(name)),
          figure(ratio(speed(name), speed('queue-only'))),
          spread(cpu(name)),
          figure(ratio(cpu(name), cpu('queue-only'))),
          figure(percentile(all(name), 0.5)),
          figure(percentile(all(name), 0.99)),
          figure(sum(of(name, ({ lost }) => lost))),
        ]),
      ),
      'CPU ms a task by process, and what a task sends (medians). “commands sent” counts Redis commands as clients send them, a script as one; “run” counts the commands inside scripts too (`INFO commandstats`).',
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
      `The commands that a task of inloop runs: ${listCommands(raw.inloop.at(-1)?.commands.byName ?? {})}. Each change of a task (accepted, running, a step, the outcome) is one script. The script compares the revision and writes the record. The first and the last one also keep the lists of active and unseen tasks, the inbox, and the mark of what was not pushed yet.`,
    ].join('\n\n');
    const commands = (which: 'sent' | 'run') =>
      middle('inloop', (run) => run.commands[which]) - middle('queue-only', (run) => run.commands[which]);
    const p99 = (name: Name) => percentile(all(name), 0.99);
    return {
      text,
      targets: [
        atLeast('many-users: tasks/s × queue-only', ratio(speed('inloop'), speed('queue-only')), 0.9),
        atMost('many-users: CPU of all processes a task × queue-only', ratio(cpu('inloop'), cpu('queue-only')), 2),
        atMost(
          'many-users: events a task',
          middle('inloop', ({ events }) => events),
          3,
        ),
        atMost(
          'many-users: calls to the bus a task',
          middle('inloop', ({ calls }) => calls),
          0.4,
        ),
        atMost('many-users: Redis commands sent a task beyond queue-only', commands('sent'), 6),
        atMost(
          'many-users: Redis commands run a task (with those inside scripts) beyond queue-only',
          commands('run'),
          6,
        ),
        holds(
          'many-users: outcome p99 below bullmq-socketio’s',
          `${figure(p99('inloop'))} ms`,
          `< ${figure(p99('bullmq-socketio'))} ms`,
          p99('inloop') < p99('bullmq-socketio'),
        ),
        holds(
          'many-users: outcomes lost',
          figure(sum(of('inloop', ({ lost }) => lost))),
          '0',
          of('inloop', ({ lost }) => lost).every((lost) => lost === 0),
        ),
      ],
    };
  },
});

/** `evalsha 4.1, hget 3.9, …`, the most frequent first. Commands that run less than once in ten tasks are left out. */
function listCommands(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count >= 0.1)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${figure(count)}`)
    .join(', ');
}
