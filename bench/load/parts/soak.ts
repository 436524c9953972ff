// The part `soak`: the work of eight hours, each compressed into seconds. Measures what server, worker, Redis and Soketi hold after each
// hour. Server, worker and Redis must not leak (growth.ts), and Soketi may grow by 30 MB.
import { createClient } from '@redis/client';
import { readMemoryMb } from '../../measure/cpu.ts';
import { figure, table } from '../../measure/table.ts';
import { definePart, holds, type Part } from '../../part.ts';
import { BenchProcess } from '../../processes/bench-process.ts';
import { disturbParts } from '../../soak/disturb.ts';
import type { Holdings } from '../../soak/growth.ts';
import { runHour } from '../../soak/hour.ts';
import { readContents } from '../../soak/redis-contents.ts';
import type { Sample } from '../../soak/sample.ts';
import { findGrowthAtRest, readAtRest } from '../../soak/settle.ts';

const HOURS = 8;
const USERS = 60;
/** 10,000 tasks in eight hours. */
const TASKS_AN_HOUR = 1_250;
/** How many hours are run first, to fill caches and compile functions. The later hours are compared with what is held after these. */
const WARM_UP = 2;
/**
 * By how many MB Soketi may grow. It is not our code, so only its resident memory can be read, and that goes up and down by some MB
 * with each garbage collection.
 */
const SOKETI_MB = 30;

interface SoakFigures {
  /** How many tasks and users there were in each hour. */
  readonly tasks: number;
  readonly users: number;
  /** What was held after the warm-up, and after each later hour. */
  readonly hours: readonly (Holdings & { readonly soketiMb: number })[];
  /** What has grown in the end, in words. */
  readonly grown: readonly string[];
}

export const soak: Part<unknown> = definePart<SoakFigures>({
  name: 'soak',
  title: 'Eight hours in one run',
  async measure({ services, quick, log }) {
    const [hours, users, tasks] = quick ? [2, 12, 300] : [HOURS, USERS, TASKS_AN_HOUR];
    await services.redis.wipe();
    const redis = createClient({ url: services.env.REDIS_URL ?? '' });
    redis.on('error', (error: Error) => log(`Redis: ${error.message}`));
    await redis.connect();
    const start = (half: string) => BenchProcess.start('soak-half', { env: services.env, args: [half] });
    const [server, worker] = await Promise.all([start('server'), start('worker')]);
    const readHoldings = async (): Promise<Holdings> => ({
      processes: { server: await server.call<Sample>('sample'), worker: await worker.call<Sample>('sample') },
      redis: await readContents(redis),
    });
    const disturb = () => disturbParts(redis, services.soketiPid);
    const held: SoakFigures['hours'][number][] = [];
    try {
      for (let n = 0; n < WARM_UP + hours; n++) {
        log(n < WARM_UP ? 'warm-up' : `hour ${n - WARM_UP + 1} of ${hours}`);
        await runHour({ env: services.env, users, tasks, n, disturb });
        if (n >= WARM_UP - 1) {
          held.push({ ...(await readAtRest(readHoldings)), soketiMb: readMemoryMb(services.soketiPid) });
        }
      }
      const [first] = held;
      if (first === undefined) throw new Error('No hour was run.');
      const { grown } = await findGrowthAtRest(readHoldings, first, hours * tasks);
      return { tasks, users, hours: held, grown };
    } finally {
      redis.destroy();
      await Promise.all([server.stop(), worker.stop()]);
    }
  },
  report({ tasks, users, hours, grown }) {
    const [first, last] = [hours[0], hours.at(-1)];
    const soketi = (last?.soketiMb ?? Number.NaN) - (first?.soketiMb ?? Number.NaN);
    const cells = ({ bytes, objects, timers, listeners, resources }: Sample) => [
      figure(bytes / 2 ** 20),
      objects.toLocaleString('en'),
      figure(timers),
      figure(listeners),
      figure(resources.TCPSocketWrap ?? 0),
    ];
    const rows = hours.flatMap(({ processes, redis, soketiMb }, hour) =>
      Object.entries(processes).map(([name, sample], index) => [
        index === 0 ? figure(hour) : '',
        name,
        ...cells(sample),
        ...(index === 0
          ? [figure(redis.keys), figure(redis.entries), figure(redis.connections), figure(soketiMb)]
          : ['', '', '', '']),
      ]),
    );
    return {
      text: [
        `Each hour: ${figure(users)} users come, a third of them on networks without WebSockets, and start ${figure(tasks)} tasks. Some succeed, some fail, some are tried again, cancelled, wait for a key or for children. In the middle all connections to Redis are cut, and Soketi is frozen for a moment. Then the users see their outcomes, a third of them signs out and a third is forgotten, and all leave. Outcomes are kept for a second here. When everything rests, it is counted what each process holds, after a garbage collection. Hour 0 is after a warm-up.`,
        table(
          [
            'hour',
            'process',
            'memory, MB',
            'objects',
            'timers',
            'listeners',
            'sockets',
            'Redis: keys',
            'entries',
            'connections',
            'Soketi, MB',
          ],
          rows,
        ),
        grown.length === 0 ? 'Nothing has grown.' : `Grown: ${grown.join('; ')}.`,
        'A test does the same in some seconds (`bench/soak/leaks.test.ts`), and fails when a leak is put in.',
      ].join('\n\n'),
      targets: [
        holds('soak: grown', grown.join('; ') || 'nothing', 'nothing', grown.length === 0),
        // Not `<=`: NaN (`readMemoryMb`, on other systems than Linux) must hold, too.
        holds('soak: Soketi', `${figure(soketi)} MB`, `≤ ${SOKETI_MB} MB`, !(soketi > SOKETI_MB)),
      ],
    };
  },
});
