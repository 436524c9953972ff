/**
 * The queue when Redis is restarted, away, or does not answer. Each test has a Redis of its own; they all run at the same time,
 * the longest first.
 *
 * @at-once 6
 */
import { expect, it, jest } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { NAME, NOTHING, type QueueWorld, withQueue } from '../../test/support/redis/queue-world.ts';
import { startRedisProxy } from '../../test/support/redis/redis-proxy.ts';
import { ClosedError } from '../redis/fault.ts';
import { queueKey } from './bee-queue/scripts.ts';

jest.setTimeout(30_000);

/** Within this time after Redis is back, jobs are delivered again on a machine that is not busy. */
const HEALED_MS = 2_000;

/** Adds a job. Resolves with how many ms it took until a consumer had it: with a healthy Redis, how fast the machine is now. */
async function deliver({ add, whenTaken }: QueueWorld, job: string): Promise<number> {
  const began = Date.now();
  await add(job);
  return (await whenTaken(job)).at - began;
}

it.concurrent(
  'when Redis was restarted, a job that runs elsewhere does not count as stalled, however long Redis was away',
  withQueue(async ({ server, prefix, stalled, takenJobs, connect, consume, add, whenTaken }) => {
    const other = connect();
    const seen: string[] = [];
    const watching = { concurrency: 4, stallInterval: 1_000, onStalled: (job: string) => seen.push(job) };
    await consume(() => new Promise(() => undefined), { stallInterval: 1_000 });
    await add('a:1');
    await whenTaken('a:1');
    const watcher = await other.consume(NAME, watching, async (job) => seen.push(job) === 0);
    try {
      for (let round = 0; round < 3; round++) {
        // Waits until the job is among those that need a keep-alive before the next check.
        await eventually(async () => Number(await server.say('SCARD', `${queueKey(prefix, NAME)}stalling`)) > 0);
        await server.kill();
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        await server.restart();
        const back = performance.now();
        await eventually(() => performance.now() - back > 3_000);
        expect([seen, stalled, takenJobs()]).toEqual([[], [], ['a:1']]);
      }
    } finally {
      await watcher.close(100);
    }
  }),
);

it.concurrent(
  'a consumer whose connections are open and dead takes the next job within ten seconds, however long it was idle',
  withQueue(async ({ server, connect, consume, add, whenTaken, leftInRedis }) => {
    const proxy = await startRedisProxy(server.port);
    try {
      await consume(undefined, {}, connect(proxy.url));
      await add('a:1');
      await whenTaken('a:1');
      for (let n = 0; n < 2; n++) {
        proxy.swallow();
        await add(`b${n}:1`);
        await whenTaken(`b${n}:1`, 10_000);
      }
      await eventually(async () => expect(await leftInRedis()).toEqual(NOTHING));
    } finally {
      await proxy.close();
    }
  }),
);

it.concurrent(
  'an idle consumer asks for one job at a time, however many it may run: on a dead connection each request could lose a job',
  withQueue(async ({ server, taken, consume, add }) => {
    await consume(undefined, { concurrency: 10 });
    for (let n = 0; n < 50; n++) await add(`t${n}:1`);
    await eventually(() => taken.length === 50);
    const calls = async () =>
      Number(/cmdstat_brpoplpush:calls=(\d+)/.exec(String(await server.say('INFO', 'commandstats')))?.[1]);
    const before = await eventually(async () => {
      const first = await calls();
      await new Promise((resolve) => setTimeout(resolve, 300));
      return (await calls()) === first && first;
    });
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect((await calls()) - before).toBeLessThan(10);
  }),
);

it.concurrent(
  'when Redis was restarted, jobs are added and delivered again within two seconds, those that waited as well as delayed ones',
  withQueue(async (world) => {
    const { server, consume, add, whenTaken } = world;
    await consume();
    const before = await deliver(world, 'before:1');
    await add('delayed:1', { at: Date.now() + 1_500 });
    await server.kill();
    await server.restart();
    const back = Date.now();
    const healed = await deliver(world, 'new:1');
    const delayed = (await whenTaken('delayed:1')).at - back;
    const slowness = 5 * Math.max(before, await deliver(world, 'after:1'));
    expect(healed).toBeLessThan(HEALED_MS + slowness);
    expect(delayed).toBeLessThan(HEALED_MS + 1_500 + slowness);
    await add('later:1', { at: Date.now() + 300 });
    await whenTaken('later:1');
  }),
);

it.concurrent(
  'when Redis was restarted again and again, jobs are delivered again within two seconds each time',
  withQueue(async (world) => {
    const { server, consume, add, whenTaken } = world;
    await consume();
    for (let round = 0; round < 3; round++) {
      await add(`r${round}:1`, { at: Date.now() + 200 });
      await server.kill();
      await server.restart();
      const back = Date.now();
      const healed = (await whenTaken(`r${round}:1`)).at - back;
      expect(healed).toBeLessThan(HEALED_MS + 5 * (await deliver(world, `r${round}:2`)));
    }
  }),
);

it.concurrent(
  'when Redis was restarted without its data, the next job is delivered',
  withQueue(async ({ server, consume, add, whenTaken }) => {
    await consume();
    await add('lost:1', { at: Date.now() + 60_000 });
    await server.restart({ wipe: true });
    await add('new:1');
    await whenTaken('new:1');
  }),
);

it.concurrent(
  'a job whose end gets no answer, since the connection is dead, is ended on the next connection, long before it counts as stalled',
  withQueue(async ({ server, takenJobs, connect, consume, add, whenTaken, leftInRedis }) => {
    const proxy = await startRedisProxy(server.port);
    let end: () => void = () => undefined;
    const finish = new Promise<void>((resolve) => (end = resolve));
    try {
      await consume(() => finish, { stallInterval: 60_000 }, connect(proxy.url));
      await add('a:1');
      await whenTaken('a:1');
      proxy.swallow();
      end();
      await eventually(async () => expect(await leftInRedis()).toEqual(NOTHING), { within: 15_000 });
      expect(takenJobs()).toEqual(['a:1']);
    } finally {
      await proxy.close();
    }
  }),
);

it.concurrent(
  'when Redis was restarted, a job that was under way is finished, not done twice at once',
  withQueue(async ({ server, takenJobs, consume, add, whenTaken, leftInRedis }) => {
    let end: () => void = () => undefined;
    const finish = new Promise<void>((resolve) => (end = resolve));
    await consume(() => finish, { stallInterval: 5_000 });
    await add('a:1');
    await whenTaken('a:1');
    await server.kill();
    end();
    await server.restart();
    await eventually(async () => expect(await leftInRedis()).toEqual(NOTHING));
    expect(takenJobs()).toEqual(['a:1']);
  }),
);

it.concurrent(
  'scripts that Redis has lost are sent again, also where Redis was not restarted',
  withQueue(async ({ log, consume, add, whenTaken, withRaw }) => {
    await consume();
    await add('a:1');
    await withRaw((client) => client.scriptFlush());
    await add('b:1');
    await whenTaken('b:1');
    await add('c:1', { at: Date.now() + 400 });
    // Nobody adds anything from here on: the consumer itself has to notice, and it is no outage.
    await withRaw((client) => client.scriptFlush());
    await whenTaken('c:1');
    expect(log.lines).toEqual([]);
  }),
);

it.concurrent(
  'when Redis was restarted, the log says once that it was away and once that it is back',
  withQueue(async ({ server, log, consume, add, whenTaken }) => {
    await consume();
    await add('a:1');
    await whenTaken('a:1');
    await server.kill();
    await server.restart();
    await add('b:1');
    await whenTaken('b:1');
    await eventually(() => log.find('info', /answers again/).length > 0);
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(log.lines[1]?.fields.since).toBe(log.lines[0]?.fields.since);
  }),
);

it.concurrent(
  'while Redis is away from the start, a consumer waits, and begins when Redis comes',
  withQueue(async ({ server, consume, add, whenTaken }) => {
    await server.kill();
    const consuming = consume();
    await server.restart();
    await consuming;
    await add('b:1');
    await whenTaken('b:1');
  }),
);

it.concurrent(
  'while Redis is away from the start, a consumer that waits for it can be given up',
  withQueue(async ({ server, connect, consume }) => {
    await server.kill();
    const queues = connect();
    const consuming = consume(undefined, {}, queues);
    consuming.catch(() => undefined);
    const began = performance.now();
    queues.close();
    await expect(consuming).rejects.toThrow(ClosedError);
    expect(performance.now() - began).toBeLessThan(2_000);
    await server.restart();
  }),
);

it.concurrent(
  'while Redis is away, a consumer that was connected can be closed',
  withQueue(async ({ server, connect, consume, add }) => {
    const queues = connect();
    const consumer = await consume(undefined, {}, queues);
    await add('a:1');
    await server.kill();
    const began = performance.now();
    await consumer.close(500);
    queues.close();
    expect(performance.now() - began).toBeLessThan(2_500);
    await server.restart();
  }),
);
