// The part `memory`: what one waiting task, one finished task, one running handler and one session of the HTTP fallback take.
import { now, pause } from '../../measure/clock.ts';
import { readMemoryMb } from '../../measure/cpu.ts';
import { figure, table } from '../../measure/table.ts';
import { type Context, definePart, type Part } from '../../part.ts';
import type { Connected } from '../../processes/sockets.ts';
import { withRunningStack } from '../../running-stack.ts';
import { makeInput } from '../../stacks/task.ts';

/** What the part has measured. */
export interface MemoryFigures {
  /** Memory of Redis for one task that waits, and for one that has ended and is kept, in bytes. */
  readonly waitingTask: number;
  readonly finishedTask: number;
  /** Of the worker's heap for one running handler, in bytes. */
  readonly handler: number;
  /** Of the server's heap, and of its resident memory, for one session of the fallback, in bytes. */
  readonly fallbackHeap: number;
  readonly fallbackResident: number;
  /** How many of each there were. */
  readonly counts: Readonly<Record<'waiting' | 'finished' | 'handlers' | 'sessions', number>>;
}

/** How many owners the tasks have. */
const OWNERS = 1_000;
/** How many sessions the fallback allows to one address. */
const SESSIONS_AN_ADDRESS = 200;

const users = Array.from({ length: OWNERS }, (_, index) => `user-${index}`);
const inputsOf = (count: number, task: { elements: number; work: 'none' | 'paced'; size: number }) =>
  Array.from({ length: count }, (_, n) => makeInput({ n, user: users[n % OWNERS] ?? '', ...task }));

export const memory: Part<unknown> = definePart<MemoryFigures>({
  name: 'memory',
  title: 'Memory',
  async measure(context) {
    const { quick, log } = context;
    const counts = {
      waiting: quick ? 2_000 : 50_000,
      finished: quick ? 1_000 : 10_000,
      handlers: quick ? 200 : 2_000,
      // Other systems than Linux have one loopback address, and the fallback lets it have only 200 sessions.
      sessions: quick || process.platform !== 'linux' ? 150 : 1_000,
    };
    log(`${counts.waiting} tasks wait`);
    const waitingTask = await measureWaiting(context, counts.waiting);
    log(`${counts.finished} tasks finish`);
    const finishedTask = await measureFinished(context, counts.finished);
    log(`${counts.handlers} handlers run`);
    const handler = await measureHandlers(context, counts.handlers);
    log(`${counts.sessions} sessions of the fallback`);
    return { waitingTask, finishedTask, handler, ...(await measureFallback(context, counts.sessions)), counts };
  },
  report: ({ waitingTask, finishedTask, handler, fallbackHeap, fallbackResident, counts }) => ({
    text: [
      table(
        ['one', 'takes', 'of', 'measured with'],
        [
          ['waiting task', `${figure(waitingTask)} bytes`, 'Redis', figure(counts.waiting)],
          ['finished task, as long as it is kept', `${figure(finishedTask)} bytes`, 'Redis', figure(counts.finished)],
          ['running handler', `${figure(handler / 1_024)} KB`, 'the worker’s heap', figure(counts.handlers)],
          [
            'session of the HTTP fallback',
            `${figure(fallbackHeap / 1_024)} KB`,
            'the server’s heap',
            figure(counts.sessions),
          ],
          [
            'the same',
            `${figure(fallbackResident / 1_024)} KB`,
            'the server’s resident memory',
            figure(counts.sessions),
          ],
        ],
      ),
      `The tasks belong to ${figure(OWNERS)} owners; input and result are about 150 bytes of JSON together. If yours are larger, add the difference. The handler is the one of the benchmark, which holds nothing. What a session takes includes its connection to the bus and the one to the browser.`,
    ].join('\n\n'),
    targets: [],
  }),
});

function measureWaiting({ services }: Context, count: number): Promise<number> {
  return withRunningStack({ services, stack: 'inloop', users: [], hasWorker: false }, async ({ server }) => {
    const before = await services.redis.memory();
    await server.call('start', inputsOf(count, { elements: 1, work: 'none', size: 0 }));
    return ((await services.redis.memory()) - before) / count;
  });
}

function measureFinished({ services }: Context, count: number): Promise<number> {
  return withRunningStack({ services, stack: 'inloop', users: [] }, async ({ server, worker }) => {
    const before = await services.redis.memory();
    const inputs = inputsOf(count, { elements: 1, work: 'none', size: 0 });
    await Promise.all([server.call('start', inputs), worker?.call('waitForReturns', count)]);
    // The last jobs are removed after their outcomes are stored.
    await pause(1_000);
    return ((await services.redis.memory()) - before) / count;
  });
}

function measureHandlers({ services, quick }: Context, count: number): Promise<number> {
  return withRunningStack({ services, stack: 'inloop', users: [], concurrency: count }, async ({ server, worker }) => {
    if (!worker) throw new Error('This needs a worker.');
    const warmUp = inputsOf(200, { elements: 1, work: 'none', size: 0 });
    await Promise.all([server.call('start', warmUp), worker.call('waitForReturns', warmUp.length)]);
    const before = await worker.call<number>('heap');
    const inputs = inputsOf(count, { elements: 100, work: 'paced', size: quick ? 3_000 : 12_000 });
    await server.call('start', inputs);
    for (const end = now() + 10_000; (await worker.call<number>('open')) < count; await pause(50)) {
      if (now() > end) throw new Error(`Not all of ${count} handlers began in 10 s.`);
    }
    const after = await worker.call<number>('heap');
    await worker.call('waitForReturns', warmUp.length + count);
    // The call `heap` answers in MB.
    return ((after - before) * 2 ** 20) / count;
  });
}

function measureFallback(
  { services }: Context,
  count: number,
): Promise<Pick<MemoryFigures, 'fallbackHeap' | 'fallbackResident'>> {
  return withRunningStack(
    { services, stack: 'inloop', users: [], hasWorker: false, pages: 'sockets' },
    async (running) => {
      const { server, clients } = running;
      const open = (total: number) => clients.call<Connected>('stream', { total, perAddress: SESSIONS_AN_ADDRESS });
      // Warm-up: the first sessions also allocate what all sessions share.
      const warmUp = Math.min(50, count / 2);
      await open(warmUp);
      const heap = await server.call<number>('heap');
      const resident = readMemoryMb(server.pid);
      const { open: opened, failed } = await open(count);
      if (opened < count) throw new Error(`Only ${opened} of ${count} sessions are open: ${JSON.stringify(failed)}`);
      // From MB for all sessions to bytes for each.
      const each = 2 ** 20 / (count - warmUp);
      return {
        fallbackHeap: ((await server.call<number>('heap')) - heap) * each,
        fallbackResident: (readMemoryMb(server.pid) - resident) * each,
      };
    },
  );
}
