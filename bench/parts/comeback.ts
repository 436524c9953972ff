// 1,000 users whose pages come back within a second: connect, authorize, fetch, merge. With inloop's own client, opened
// anew, which asks more than one that reconnects (its connection's data and the recent tasks, besides the active and the
// unseen ones).
import { cpuOf } from '../measure/cpu.ts';
import { percentile } from '../measure/stats.ts';
import { figure, table } from '../measure/table.ts';
import { atMost, definePart, holds, type Part } from '../part.ts';
import { makeInput } from '../stacks/task.ts';
import { type Cpu, perTask, subtract, withTurn } from '../turn.ts';

const WITHIN_MS = 1_000;
/** Of each user: ended while nobody looked, and still waiting. */
const [ENDED, WAITING] = [3, 2] as const;

interface Figures {
  readonly users: number;
  /** Until a page had its tasks, from when it opened, in ms. */
  readonly took: readonly number[];
  /** The last of them, from when the first page opened, in ms. */
  readonly last: number;
  /** Pages that did not show all of their user's tasks. */
  readonly incomplete: number;
  /** A page, in ms: of the server's processes, and of the one that plays all pages. */
  readonly cpu: Cpu;
  readonly pageCpu: number;
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
      log(`${users.length * ENDED} tasks that end while nobody looks`);
      const ended = tasks(0, ENDED);
      await turn.worker?.call('takeMarks');
      await Promise.all([turn.server.call('start', ended), turn.worker?.call('reached', ended.length)]);
      await turn.worker?.stop();
      await turn.server.call('start', tasks(ended.length, WAITING));
      log(`${users.length} pages`);
      const before = turn.cpu();
      const pagesBefore = cpuOf(turn.clients.pid);
      const pages = await turn.clients.call<{ took: number; at: number; tasks: number }[]>('comeBack', {
        users,
        ms: WITHIN_MS,
      });
      return {
        users: users.length,
        took: pages.map(({ took }) => took),
        last: Math.max(...pages.map(({ at }) => at)),
        incomplete: pages.filter((page) => page.tasks !== ENDED + WAITING).length,
        cpu: perTask(subtract(turn.cpu(), before), users.length),
        pageCpu: (cpuOf(turn.clients.pid) - pagesBefore) / users.length,
      };
    });
  },
  report: ({ users, took, last, incomplete, cpu, pageCpu }) => ({
    text: [
      table(
        [
          'pages',
          'had their tasks after: p50, ms',
          'p99, ms',
          'the last, from when the first opened, ms',
          'incomplete',
        ],
        [
          [
            figure(users),
            figure(percentile(took, 0.5)),
            figure(percentile(took, 0.99)),
            figure(last),
            figure(incomplete),
          ],
        ],
      ),
      `CPU a page: server ${figure(cpu.server)} ms, Redis ${figure(cpu.redis)} ms, Soketi ${figure(cpu.soketi)} ms; and ${figure(pageCpu)} ms in the process that plays all pages on the same machine.`,
    ].join('\n\n'),
    targets: [
      atMost('Coming back: all served after', last / 1_000, 3, ' s'),
      holds('Coming back: pages that miss tasks', figure(incomplete), '0', incomplete === 0),
    ],
  }),
});
