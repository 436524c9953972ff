// Jobs on a real Redis: delivered once, in time, again after a crash. Each test has a Redis of its own.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { type Bundle, bundleScript, startScript } from '../../test/support/processes/script-process.ts';
import { NAME, NOTHING, withQueue } from '../../test/support/redis/queue-world.ts';
import { queueKey } from './bee-queue/scripts.ts';

jest.setTimeout(30_000);

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleScript('test/integration/work/processes/queue-consumer.ts');
});
afterAll(() => bundle.remove());

describe('a job', () => {
  it.concurrent(
    'is delivered once, and nothing is left of it',
    withQueue(async ({ taken, takenJobs, consume, add, leftInRedis }) => {
      await consume();
      for (let n = 0; n < 20; n++) await add(`t${n}:1`);
      await eventually(() => taken.length >= 20);
      await eventually(async () => expect(await leftInRedis()).toEqual(NOTHING));
      expect(takenJobs().sort()).toEqual(Array.from({ length: 20 }, (_, n) => `t${n}:1`).sort());
    }),
  );

  it.concurrent(
    'is delivered once, however many are added in one instant, each at its time',
    withQueue(async ({ taken, takenJobs, consume, add, whenTaken, leftInRedis }) => {
      await consume(undefined, { concurrency: 50 });
      const at = Date.now() + 1_500;
      const jobs = Array.from({ length: 500 }, (_, n) => `t${n}:1`);
      await Promise.all(jobs.map((job, n) => add(job, n === 7 ? { at } : {})));
      await whenTaken('t7:1');
      await eventually(async () => expect(await leftInRedis()).toEqual(NOTHING));
      expect(takenJobs().sort()).toEqual(jobs.sort());
      expect(taken.find(({ job }) => job === 't7:1')?.at).toBeGreaterThanOrEqual(at);
    }),
  );

  it.concurrent(
    'is taken off the queue at its end, unless the handler says that it is off already',
    withQueue(async ({ consume, add, whenTaken, leftInRedis }) => {
      // For `off:1` the handler says so although it is not true. What is left shows that nothing was sent for this job.
      await consume(async (job) => job === 'off:1');
      await add('off:1');
      await whenTaken('off:1');
      await add('on:1');
      await whenTaken('on:1');
      await eventually(async () => expect(await leftInRedis()).toEqual({ ...NOTHING, active: 1, jobs: 1 }));
    }),
  );

  it.concurrent(
    'that was added before there is a consumer waits for one',
    withQueue(async ({ consume, add, whenTaken, leftInRedis }) => {
      await add('early:1');
      expect(await leftInRedis()).toEqual({ ...NOTHING, waiting: 1, jobs: 1 });
      await consume();
      await whenTaken('early:1');
    }),
  );

  it.concurrent(
    'that is added twice is delivered once',
    withQueue(async ({ add, leftInRedis }) => {
      await Promise.all([add('a:1'), add('a:1')]);
      await add('a:1');
      await add('a:1', { at: Date.now() + 60_000 });
      expect(await leftInRedis()).toEqual({ ...NOTHING, waiting: 1, jobs: 1 });
    }),
  );

  it.concurrent(
    'that is delivered once more after its end is then removed for good',
    withQueue(async ({ prefix, consume, whenTaken, leftInRedis, withRaw }) => {
      await consume();
      await withRaw((client) => client.lPush(`${queueKey(prefix, NAME)}waiting`, 'done:1'));
      await whenTaken('done:1');
      await eventually(async () => expect(await leftInRedis()).toEqual(NOTHING));
    }),
  );

  it.concurrent(
    'is not delivered to a consumer of another definition',
    withQueue(async ({ takenJobs, consume, add, whenTaken }) => {
      await consume();
      await add('o:1', { name: 'other' });
      await add('a:1');
      await whenTaken('a:1');
      expect(takenJobs()).toEqual(['a:1']);
    }),
  );

  it.concurrent(
    'with a time is delivered at that time, whichever was added first',
    withQueue(async ({ takenJobs, consume, add, whenTaken }) => {
      await consume();
      const deliver = async (job: string, after: number) => {
        const due = Date.now() + after;
        await add(job, { at: due });
        const added = Date.now();
        const { at } = await whenTaken(job);
        return { early: due - at, late: at - Math.max(due, added) };
      };
      // What comes at once shows how fast the machine is now.
      const { late: usual } = await deliver('first:1', -1_000);
      const jobs = [deliver('late:1', 1_200), deliver('soon:1', 300), deliver('past:1', -1_000)] as const;
      const [late, soon, past] = await Promise.all(jobs);
      expect(takenJobs().at(-1)).toBe('late:1');
      for (const { early } of [soon, late]) expect(early).toBeLessThanOrEqual(0);
      expect(past.late).toBeLessThan(300 + 5 * usual);
      expect(late.late).toBeLessThan(1_300 + 5 * usual);
    }),
  );
});

describe('a consumer', () => {
  it.concurrent(
    'runs as many jobs at once as it may',
    withQueue(async ({ taken, consume, add }) => {
      let running = 0;
      let most = 0;
      const ends: (() => void)[] = [];
      await consume(
        async () => {
          most = Math.max(most, ++running);
          await new Promise<void>((resolve) => ends.push(resolve));
          running -= 1;
        },
        { concurrency: 3 },
      );
      for (let n = 0; n < 7; n++) await add(`t${n}:1`);
      await eventually(() => running === 3);
      while (taken.length < 7 || ends.length > 0) {
        ends.shift()?.();
        await eventually(() => ends.length > 0 || taken.length === 7);
      }
      expect(most).toBe(3);
    }),
  );

  it.concurrent(
    'that is closed takes nothing more and waits for what is under way',
    withQueue(async ({ takenJobs, consume, add, whenTaken, leftInRedis }) => {
      let end: () => void = () => undefined;
      const consumer = await consume(() => new Promise<void>((resolve) => (end = resolve)), { concurrency: 1 });
      await add('a:1');
      await whenTaken('a:1');
      let isClosed = false;
      const closed = consumer.close(10_000).then(() => (isClosed = true));
      await add('b:1');
      expect(isClosed).toBe(false);
      end();
      await closed;
      expect(takenJobs()).toEqual(['a:1']);
      expect(await leftInRedis()).toEqual({ ...NOTHING, waiting: 1, jobs: 1 });
    }),
  );

  it.concurrent(
    'that does not finish in time is not waited for longer',
    withQueue(async ({ consume, add, whenTaken }) => {
      const consumer = await consume(() => new Promise(() => undefined));
      await add('a:1');
      await whenTaken('a:1');
      const began = performance.now();
      await consumer.close(200);
      expect(performance.now() - began).toBeLessThan(1_500);
    }),
  );

  it.concurrent(
    'that is killed gives its jobs to another within two stall intervals',
    withQueue(async ({ server, prefix, taken, stalled, consume, add, whenTaken, leftInRedis }) => {
      // Not a multiple of 4: checks come after a quarter of it, and bee-queue would check only once if it were given a fraction.
      const STALL_MS = 501;
      const env = { REDIS_URL: server.url, QUEUE_PREFIX: prefix, QUEUE_NAME: NAME, STALL_MS: String(STALL_MS) };
      const other = await startScript(bundle, env, 'consumer ready');
      try {
        for (const job of ['a:1', 'b:1']) {
          await add(job);
          await eventually(() => other.output().includes(`took ${job}`));
        }
        await consume(undefined, { stallInterval: STALL_MS });
        await add('c:1');
        await eventually(() => taken.length + Number(other.output().includes('took c:1')) > 0);
        // As long as the consumer lives, it keeps its jobs: for several intervals none is taken for stalled.
        const began = Date.now();
        await eventually(() => Date.now() - began > 3 * STALL_MS);
        expect(stalled).toEqual([]);
      } finally {
        await other.kill();
      }
      const killed = Date.now();
      const [a, b] = [await whenTaken('a:1'), await whenTaken('b:1')];
      // 500 ms more than two intervals, since the machine may be busy.
      for (const { at } of [a, b]) expect(at - killed).toBeLessThan(2 * STALL_MS + 500);
      expect(stalled).toEqual(expect.arrayContaining(['a:1', 'b:1']));
      await eventually(async () => expect(await leftInRedis()).toEqual(NOTHING));
    }),
  );
});
