// The part `line`: what it costs to start a task and to take a job while 100,000 tasks of 10,000 owners wait, and while nobody waits.
// Both lines are in one Redis, and are measured in turn. One client starts, another one takes; nothing else runs.
import { Events } from '../../../backend/events/events.ts';
import { consoleLog } from '../../../backend/log/log.ts';
import { JobTaker } from '../../../backend/queue/job-taker.ts';
import { parseRedisAddress } from '../../../backend/redis/address.ts';
import { Redis } from '../../../backend/store/redis.ts';
import { TaskStore } from '../../../backend/store/store.ts';
import { createSnapshot } from '../../../core/tasks/snapshot.ts';
import { readCpuMs } from '../../measure/cpu.ts';
import { median, ratio } from '../../measure/stats.ts';
import { figure, spread, table } from '../../measure/table.ts';
import { atMost, definePart, type Part } from '../../part.ts';
import { inRounds, type Rounds } from '../../rounds.ts';
import type { Services } from '../../services.ts';
import { makeInput } from '../../stacks/task.ts';

const NAMES = ['empty', 'full'] as const;
type Name = (typeof NAMES)[number];
const DEFINITION = 'import-contacts';
const TASKS_AN_OWNER = 10;
/** How many tasks are started and taken in each round. Every second one is of an owner who has no task yet. */
const CYCLES = 100;
/** How many tasks are started at once to fill the line. */
const BATCH = 100;

interface Figures {
  /** Medians of the round, in µs. */
  readonly start: number;
  readonly take: number;
  readonly both: number;
  /** CPU of Redis for one task that is started and one that is taken, in µs. */
  readonly redis: number;
}

interface LineFigures {
  readonly owners: number;
  readonly rounds: Rounds<Name, Figures>;
}

export const line: Part<unknown> = definePart<LineFigures>({
  name: 'line',
  title: 'line: 100,000 tasks of 10,000 owners wait',
  async measure({ services, quick, log }) {
    const owners = quick ? 1_000 : 10_000;
    await services.redis.wipe();
    const lines = { empty: openLine(services, 'empty:'), full: openLine(services, 'full:') };
    try {
      log(`starting ${owners * TASKS_AN_OWNER} tasks of ${owners} owners`);
      for (let n = 0; n < owners * TASKS_AN_OWNER; n += BATCH)
        await Promise.all(
          Array.from({ length: BATCH }, (_, index) => lines.full.start(`owner-${(n + index) % owners}`)),
        );
      const run = async (name: Name, round: number): Promise<Figures> => {
        const [starts, takes]: [number[], number[]] = [[], []];
        const before = readCpuMs(services.redisPid);
        for (let n = 0; n < CYCLES; n++) {
          const owner = n % 2 === 0 ? `owner-${(round * CYCLES + n) % owners}` : `new-${round}-${n}`;
          const began = performance.now();
          await lines[name].start(owner);
          const started = performance.now();
          await lines[name].take();
          starts.push((started - began) * 1_000);
          takes.push((performance.now() - started) * 1_000);
        }
        const both = median(starts.map((start, n) => start + (takes[n] ?? Number.NaN)));
        const redis = ((readCpuMs(services.redisPid) - before) / CYCLES) * 1_000;
        return { start: median(starts), take: median(takes), both, redis };
      };
      // Warm-up.
      for (let round = 0; round < 5; round++) for (const name of NAMES) await run(name, round);
      const rounds = await inRounds(
        NAMES,
        quick ? 10 : 60,
        () => undefined,
        (name, round) => run(name, round + 5),
      );
      return { owners, rounds };
    } finally {
      for (const one of Object.values(lines)) await one.close();
    }
  },
  report({ owners, rounds }) {
    const of = (name: Name, what: keyof Figures) => rounds[name].map((figures) => figures[what]);
    const against = (what: keyof Figures) => ratio(of('full', what), of('empty', what));
    const row = (label: string, what: keyof Figures) => [
      label,
      spread(of('empty', what)),
      spread(of('full', what)),
      figure(against(what)),
    ];
    const waiting = `${figure(owners * TASKS_AN_OWNER)} tasks of ${figure(owners)} owners`;
    return {
      text: [
        `In a line in which ${waiting} wait, a task is started and a job is taken, ${figure(rounds.full.length * CYCLES)} times one after the other, beside the same where nobody waits. A start is the step of the store that keeps the record and puts the task in line; every second one is of an owner who has no task yet. A take is what a worker with room for one more task does. A worker with room for several takes them in one step, which costs less for each. Times are those of the client, with the way to Redis and back.`,
        table(
          ['µs', 'nobody waits', `${waiting} wait`, '×'],
          [
            row('start', 'start'),
            row('take', 'take'),
            row('start and take', 'both'),
            row('CPU of Redis for a start and a take', 'redis'),
          ],
        ),
      ].join('\n\n'),
      targets: [
        atMost('line: start × the same in an empty line', against('start'), 1.2),
        atMost('line: take × the same in an empty line', against('take'), 1.2),
      ],
    };
  },
});

/** Opens a line of its own: the task store, and the job taker of a worker, on keys with this prefix. */
function openLine({ env }: Services, prefix: string) {
  const url = env.REDIS_URL ?? '';
  const redis = new Redis({
    url,
    prefix,
    retention: 3_600,
    channelOf: (owner) => owner,
    events: new Events(consoleLog),
  });
  const store = new TaskStore(redis, { now: Date.now });
  const queue = redis.keys.queue(DEFINITION);
  const taker = new JobTaker({
    address: parseRedisAddress(url),
    onFault: (error) => console.error('bench: line:', error),
    queue,
    line: redis.keys.line(DEFINITION),
    taskPrefix: redis.keys.task(''),
    onTaken: () => undefined,
  });
  let count = 0;
  return {
    async start(owner: string): Promise<void> {
      const at = new Date().toISOString();
      // Ids grow, as those of real tasks do.
      const id = `019ab000-0000-7000-8000-${String(++count).padStart(12, '0')}`;
      const snapshot = createSnapshot({
        id,
        name: DEFINITION,
        title: 'Import contacts.csv',
        attempts: 3,
        at,
        retryOf: null,
      });
      const input = makeInput({ n: count, user: owner, elements: 100, work: 'none', size: 0 });
      const { result } = await store.create({ snapshot, owner, input }, null);
      if (result !== 'created') throw new Error(`The task ${id} was not created: ${result}.`);
    },
    take: () =>
      new Promise<unknown>((resolve, reject) =>
        taker.take(`${queue}waiting`, `${queue}active`, (error, job) => (error ? reject(error) : resolve(job))),
      ),
    async close(): Promise<void> {
      taker.close(new Error('closed'));
      await redis.close();
    },
  };
}
