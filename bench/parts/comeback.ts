// 1,000 users come back within a second: connect, authorize, fetch, merge, with inloop's own client. To pages that their
// browsers kept, as after an outage or a night's sleep; and, which asks more, to pages that are opened anew.
import { cpuOf } from '../measure/cpu.ts';
import { percentile } from '../measure/stats.ts';
import { figure, table } from '../measure/table.ts';
import { atMost, definePart, type Part } from '../part.ts';
import { makeInput } from '../stacks/task.ts';
import { type Cpu, perTask, subtract, withTurn } from '../turn.ts';

const WITHIN_MS = 1_000;
/** Of each user: ended while nobody looked, and still waiting. */
const [ENDED, WAITING] = [3, 2] as const;

interface Return {
  /** Until a page showed its tasks, from when it was come back to, in ms. */
  readonly took: readonly number[];
  /** The last of them, from when the first page was, in ms. */
  readonly last: number;
  /** A page, in ms: of the server's processes, and of the one that plays all pages. */
  readonly cpu: Cpu;
  readonly pageCpu: number;
}

interface Figures {
  readonly users: number;
  readonly kept: Return;
  readonly anew: Return;
}

export const comeback: Part<unknown> = definePart<Figures>({
  name: 'comeback',
  title: 'Coming back: 1,000 pages within a second, each with 3 outcomes not seen and 2 tasks waiting',
  measure({ world, quick, log }) {
    const users = Array.from({ length: quick ? 200 : 1_000 }, (_, index) => `user-${index}`);
    const tasks = (from: number, each: number) =>
      Array.from({ length: users.length * each }, (_, index) =>
        makeInput({ n: from + index, user: users[index % users.length] as string, elements: 1, work: 'none', size: 0 }),
      );
    return withTurn({ world, stack: 'inloop', users: [] }, async (turn) => {
      const { server, worker, clients } = turn;
      const measured = async (call: string): Promise<Return> => {
        const before = turn.cpu();
        const pagesBefore = cpuOf(clients.pid);
        const pages = await clients.call<{ took: number; at: number }[]>(call, {
          users,
          ms: WITHIN_MS,
          tasks: ENDED + WAITING,
        });
        return {
          took: pages.map(({ took }) => took),
          last: Math.max(...pages.map(({ at }) => at)),
          cpu: perTask(subtract(turn.cpu(), before), users.length),
          pageCpu: (cpuOf(clients.pid) - pagesBefore) / users.length,
        };
      };
      await clients.call('openPages', users);
      await clients.call('hidePages');
      log(`${users.length * ENDED} tasks that end while nobody looks`);
      const ended = tasks(0, ENDED);
      await worker?.call('takeMarks');
      await Promise.all([server.call('start', ended), worker?.call('reached', ended.length)]);
      await worker?.stop();
      await server.call('start', tasks(ended.length, WAITING));
      log(`${users.length} pages come back`);
      const kept = await measured('wakePages');
      log(`${users.length} pages are opened anew`);
      return { users: users.length, kept, anew: await measured('reopenPages') };
    });
  },
  report: ({ users, kept, anew }) => ({
    text: [
      table(
        [
          'pages',
          'show all tasks after: p50, ms',
          'p99, ms',
          'the last, from when the first came back, ms',
          'CPU ms a page: server',
          'Redis',
          'Soketi',
          'pages',
        ],
        Object.entries({ [`${figure(users)} kept`]: kept, [`${figure(users)} opened anew`]: anew }).map(
          ([what, { took, last, cpu, pageCpu }]) => [
            what,
            figure(percentile(took, 0.5)),
            figure(percentile(took, 0.99)),
            figure(last),
            figure(cpu.server),
            figure(cpu.redis),
            figure(cpu.soketi),
            figure(pageCpu),
          ],
        ),
      ),
      'All pages are played by one process on the same two cores, which takes more of them than the server does.',
    ].join('\n\n'),
    targets: [
      atMost('Coming back: the last of 1,000 kept pages shows its tasks after', kept.last / 1_000, 3, ' s'),
      atMost('Coming back: the last of 1,000 new pages shows its tasks after', anew.last / 1_000, 3, ' s'),
    ],
  }),
});
