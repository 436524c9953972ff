// Writes the section of docs/capacity.md that computes what a million users need from what was measured.
import { figure, table } from '../measure/table.ts';
import type { Keeper } from '../pages/kept.ts';
import { findKnee } from './knee.ts';
import { ASSUMPTIONS, type Measured, type Plan, planFor } from './model.ts';
import { type ConnectionFigures, soketiKbEach } from './parts/connections.ts';
import type { MemoryFigures } from './parts/memory.ts';
import type { Throughput } from './parts/throughput.ts';

/** The text of the section; null if the figures of a part that it needs are not kept. */
export function modelSection(keeper: Pick<Keeper, 'read'>): string | null {
  const read = (name: string) => keeper.read(name)?.raw;
  const connections = read('connections') as ConnectionFigures | undefined;
  const requests = read('requests') as Throughput | undefined;
  const tasks = read('tasks') as Throughput | undefined;
  const pushes = read('pushes') as Throughput | undefined;
  const memory = read('memory') as MemoryFigures | undefined;
  if (!connections || !requests || !tasks || !pushes || !memory) return null;
  const atKnee = findKnee(tasks.steps);
  const measured: Measured = {
    pagesPerSoketi: connections.steps.at(-1)?.pages ?? Number.NaN,
    acceptedPerServer: findKnee(requests.steps).perSecond,
    tasksPerWorker: atKnee.perSecond,
    messagesPerSecond: findKnee(pushes.steps).perSecond,
    redisCoresPerTask: (atKnee.cpu.redis ?? Number.NaN) / atKnee.perSecond,
    waitingTask: memory.waitingTask,
    finishedTask: memory.finishedTask,
    connectionKb: soketiKbEach(connections),
  };
  return describePlan(measured, planFor(measured, ASSUMPTIONS));
}

function describePlan(measured: Measured, plan: Plan): string {
  const {
    users,
    tasksPerDay,
    connectedShare,
    peak,
    messagesPerTask,
    taskSeconds,
    retentionDays,
    outageMinutes,
    plannedShare,
  } = ASSUMPTIONS;
  const assumed: readonly (readonly [string, string])[] = [
    ['users', figure(users)],
    ['of them with a page open in the busiest hour', `${connectedShare * 100} %`],
    ['tasks a day', figure(tasksPerDay)],
    ['the busiest hour, times the average', figure(peak)],
    ['a handler runs, s', figure(taskSeconds)],
    ['messages a task', figure(messagesPerTask)],
    ['tasks are kept, days', figure(retentionDays)],
    ['all workers are away for, minutes of the busiest hour', figure(outageMinutes)],
    ['planned share of what was measured', `${plannedShare * 100} %`],
  ];
  const needed: readonly (readonly [string, string, string])[] = [
    ['connected pages', figure(plan.connected), 'users × share with a page open'],
    [
      'tasks/s: average, busiest hour',
      `${figure(plan.tasksPerSecond)}, ${figure(plan.peakTasksPerSecond)}`,
      'tasks a day ÷ 86,400, × peak',
    ],
    ['messages/s', figure(plan.messagesPerSecond), 'tasks/s × messages a task'],
    [
      'Soketi nodes',
      figure(plan.soketi),
      `pages ÷ (${figure(measured.pagesPerSoketi)} × planned share); ${figure(plan.soketiGb)} GB in all`,
    ],
    ['servers', figure(plan.servers), `tasks/s ÷ (${figure(measured.acceptedPerServer)} × planned share)`],
    [
      'workers',
      figure(plan.workers),
      `the greater of tasks/s ÷ (${figure(measured.tasksPerWorker)} × planned share) and messages/s ÷ (${figure(measured.messagesPerSecond)} × planned share)`,
    ],
    ['handlers at once, over all workers', figure(plan.handlers), 'tasks/s × seconds a handler runs'],
    [
      'cores of the one Redis',
      figure(plan.redisCores),
      `tasks/s × ${figure(measured.redisCoresPerTask * 1_000)} ms of CPU a task; it can use one`,
    ],
    [
      'GB of Redis for what is kept',
      figure(plan.keptGb),
      `tasks a day × days × ${figure(measured.finishedTask)} bytes`,
    ],
    [
      'GB of Redis more while workers are away',
      figure(plan.waitingGb),
      `tasks/s × time × ${figure(measured.waitingTask)} bytes`,
    ],
  ];
  return [
    'Assumed (`ASSUMPTIONS` in `bench/load/model.ts`; replace them by yours, then `npm run load -- --pages`):',
    table(['what', ''], assumed),
    'From these and from the figures above follows, in the busiest hour:',
    table(['needed', '', 'how'], needed),
    'What the model leaves out: the CPU and the memory of your handlers, which is mostly what decides how many workers there are; the lists that pages fetch; and what several Soketi nodes send each other through Redis, where each message goes to every node. A process here had a part of the cores of the environment that each section names, beside the processes that made the load.',
  ].join('\n\n');
}
