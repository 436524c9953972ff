// The part `returning-pages`: 1,000 users come back within a second. Each page has inloop's own client: it connects, is authorized,
// fetches and merges. It is measured twice: with pages that the browser has kept (after an outage, or a closed laptop), and with pages
// that are opened again, which costs more.
import { readCpuMs } from '../../measure/cpu.ts';
import { percentile } from '../../measure/stats.ts';
import { figure, table } from '../../measure/table.ts';
import { atMost, definePart, type Part } from '../../part.ts';
import { type Cpu, divideCpu, subtractCpu, withRunningStack } from '../../running-stack.ts';
import { makeInput } from '../../stacks/task.ts';

/** In how much time all users come back. */
const WITHIN_MS = 1_000;
/** How many tasks of each user have ended while their page was hidden. */
const ENDED = 3;
/** How many tasks of each user still wait for a worker. */
const WAITING = 2;

/** What was measured when all users came back once. */
interface Return {
  /** Milliseconds from when the user came back until the page showed all tasks, one entry a page. */
  readonly took: readonly number[];
  /** When the last page showed all tasks, in ms after the first user came back. */
  readonly last: number;
  /** CPU ms a page, of server, Redis and Soketi. */
  readonly cpu: Cpu;
  /** CPU ms a page, of the one process that plays all pages. */
  readonly pageCpu: number;
}

interface Figures {
  readonly users: number;
  readonly kept: Return;
  readonly reopened: Return;
}

export const returningPages: Part<unknown> = definePart<Figures>({
  name: 'returning-pages',
  title: 'returning-pages: 1,000 pages within a second, each with 3 outcomes not seen and 2 tasks waiting',
  measure({ services, quick, log }) {
    const users = Array.from({ length: quick ? 200 : 1_000 }, (_, index) => `user-${index}`);
    const tasks = (from: number, each: number) =>
      Array.from({ length: users.length * each }, (_, index) =>
        makeInput({ n: from + index, user: users[index % users.length] as string, elements: 1, work: 'none', size: 0 }),
      );
    return withRunningStack({ services, stack: 'inloop', users: [] }, async (running) => {
      const { server, worker, clients } = running;
      const measureReturn = async (call: string): Promise<Return> => {
        const before = running.cpu();
        const pagesBefore = readCpuMs(clients.pid);
        const pages = await clients.call<{ took: number; at: number }[]>(call, {
          users,
          ms: WITHIN_MS,
          tasks: ENDED + WAITING,
        });
        return {
          took: pages.map(({ took }) => took),
          last: Math.max(...pages.map(({ at }) => at)),
          cpu: divideCpu(subtractCpu(running.cpu(), before), users.length),
          pageCpu: (readCpuMs(clients.pid) - pagesBefore) / users.length,
        };
      };
      await clients.call('openPages', users);
      await clients.call('hidePages');
      log(`${users.length * ENDED} tasks end while all pages are hidden`);
      const ended = tasks(0, ENDED);
      await worker?.call('takeMarks');
      await Promise.all([server.call('start', ended), worker?.call('waitForReturns', ended.length)]);
      await worker?.stop();
      await server.call('start', tasks(ended.length, WAITING));
      log(`${users.length} pages come back`);
      const kept = await measureReturn('wakePages');
      log(`${users.length} pages are opened again`);
      return { users: users.length, kept, reopened: await measureReturn('reopenPages') };
    });
  },
  report: ({ users, kept, reopened }) => ({
    text: [
      table(
        [
          'pages',
          'show all tasks after: p50, ms',
          'p99, ms',
          'the last page, after the first came back, ms',
          'CPU ms a page: server',
          'Redis',
          'Soketi',
          'pages',
        ],
        Object.entries({ [`${figure(users)} kept`]: kept, [`${figure(users)} opened again`]: reopened }).map(
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
      'One process plays all pages. It runs on the same two cores and uses more CPU than the server.',
    ].join('\n\n'),
    targets: [
      atMost('returning-pages: the last of 1,000 kept pages shows its tasks after', kept.last / 1_000, 3, ' s'),
      atMost('returning-pages: the last of 1,000 new pages shows its tasks after', reopened.last / 1_000, 3, ' s'),
    ],
  }),
});
