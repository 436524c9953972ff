// Jobs on a real Redis: delivered once, again after a crash, and on through restarts and dead connections.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createClient } from '@redis/client';
import { eventually } from '../../test/support/eventually.ts';
import { recordLog } from '../../test/support/log.ts';
import { type Bundle, bundleScript, startScript } from '../../test/support/processes/script-process.ts';
import { startRedis, type TestRedis } from '../../test/support/redis/redis.ts';
import { startRedisProxy } from '../../test/support/redis/redis-proxy.ts';
import { Events } from '../events/events.ts';
import { ClosedError } from '../redis/fault.ts';
import { type ConsumeOptions, type Consumer, JobQueues } from './queue.ts';
import { ADD_JOB, queueKey } from './queue-scripts.ts';

jest.setTimeout(30_000);

const NAME = 'import';
let server: TestRedis;
let bundle: Bundle;
let prefix: string;
let queues: JobQueues;
let log: ReturnType<typeof recordLog>;
let consumers: Consumer[];
/** What all consumers of the test got, in order. */
let taken: { readonly job: string; readonly at: number }[];
let stalled: string[];
let rounds = 0;

beforeAll(async () => {
  [server, bundle] = await Promise.all([
    startRedis(),
    bundleScript('test/integration/work/processes/queue-consumer.ts'),
  ]);
});
afterAll(async () => {
  bundle.remove();
  await server.stop();
});
beforeEach(() => {
  prefix = `q${rounds++}:`;
  log = recordLog();
  queues = new JobQueues({ url: server.url, prefix, events: new Events(log), clock: { now: Date.now } });
  consumers = [];
  taken = [];
  stalled = [];
});
afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.close(1_000)));
  queues.close();
});

async function consume(
  handler: (job: string) => Promise<void> = async () => undefined,
  over: Partial<ConsumeOptions> = {},
): Promise<Consumer> {
  const consumer = await queues.consume(
    NAME,
    { concurrency: 4, stallInterval: 500, onStalled: (job) => stalled.push(job), ...over },
    async (job) => {
      taken.push({ job, at: Date.now() });
      await handler(job);
    },
  );
  consumers.push(consumer);
  return consumer;
}

const takenJobs = () => taken.map(({ job }) => job);
/** Waits until a consumer has got `job`. */
const whenTaken = (job: string, within = 5_000) =>
  eventually(() => taken.find((one) => one.job === job), { within, that: `job ${job}` });

const connectRaw = () => createClient({ url: server.url });

async function withRaw<T>(use: (client: ReturnType<typeof connectRaw>) => Promise<T>): Promise<T> {
  const client = connectRaw();
  await client.connect();
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

/** What bee-queue still holds of our jobs. */
const leftInRedis = () =>
  withRaw(async (client) => {
    const key = (kind: string) => `${prefix}queue:${NAME}:${kind}`;
    return {
      waiting: await client.lLen(key('waiting')),
      active: await client.lLen(key('active')),
      delayed: await client.zCard(key('delayed')),
      jobs: await client.hLen(key('jobs')),
    };
  });
const NOTHING = { waiting: 0, active: 0, delayed: 0, jobs: 0 };

/** Adds a job as the store's scripts do. */
const add = (job: string, { at, name = NAME }: { readonly at?: number; readonly name?: string } = {}) =>
  withRaw(async (client) => {
    const script = `${ADD_JOB}\naddJob(ARGV[1], ARGV[2], ARGV[3])`;
    await client.eval(script, { arguments: [queueKey(prefix, name), job, at === undefined ? '' : String(at)] });
  });

describe('a job', () => {
  it('is delivered once, and nothing is left of it', async () => {
    await consume();
    for (let n = 0; n < 20; n++) await add(`t${n}:1`);
    await eventually(() => taken.length >= 20);
    await eventually(async () => expect(await leftInRedis()).toEqual(NOTHING));
    expect(takenJobs().sort()).toEqual(Array.from({ length: 20 }, (_, n) => `t${n}:1`).sort());
  });

  it('is delivered once, however many are added in one instant, each at its time', async () => {
    await consume(undefined, { concurrency: 50 });
    const at = Date.now() + 1_500;
    const jobs = Array.from({ length: 500 }, (_, n) => `t${n}:1`);
    await Promise.all(jobs.map((job, n) => add(job, n === 7 ? { at } : {})));
    await whenTaken('t7:1');
    await eventually(async () => expect(await leftInRedis()).toEqual(NOTHING));
    expect(takenJobs().sort()).toEqual(jobs.sort());
    expect(taken.find(({ job }) => job === 't7:1')?.at).toBeGreaterThanOrEqual(at);
  });

  it('that was added before anybody listens waits', async () => {
    await add('early:1');
    expect(await leftInRedis()).toEqual({ ...NOTHING, waiting: 1, jobs: 1 });
    await consume();
    await whenTaken('early:1');
  });

  it('added twice is one', async () => {
    await Promise.all([add('a:1'), add('a:1')]);
    await add('a:1');
    await add('a:1', { at: Date.now() + 60_000 });
    expect(await leftInRedis()).toEqual({ ...NOTHING, waiting: 1, jobs: 1 });
  });

  it('that is delivered once more after its end goes for good', async () => {
    await consume();
    await withRaw((client) => client.lPush(`${queueKey(prefix, NAME)}waiting`, 'done:1'));
    await whenTaken('done:1');
    await eventually(async () => expect(await leftInRedis()).toEqual(NOTHING));
  });

  it('of one definition is not another’s', async () => {
    await consume();
    await add('o:1', { name: 'other' });
    await add('a:1');
    await whenTaken('a:1');
    expect(takenJobs()).toEqual(['a:1']);
  });

  it('with a time comes then, whichever was added first', async () => {
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
  });
});

describe('a consumer', () => {
  it('runs as many jobs at once as it may', async () => {
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
  });

  it('that is closed takes nothing more and waits for what is under way', async () => {
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
  });

  it('that does not finish in time is not waited for longer', async () => {
    const consumer = await consume(() => new Promise(() => undefined));
    await add('a:1');
    await whenTaken('a:1');
    const began = performance.now();
    await consumer.close(200);
    expect(performance.now() - began).toBeLessThan(1_500);
  });

  it('that is killed gives its jobs to another within two stall intervals', async () => {
    const STALL_MS = 500;
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
      // As long as it lives, it keeps them: several intervals in which nothing is taken for stalled.
      const began = Date.now();
      await eventually(() => Date.now() - began > 3 * STALL_MS);
      expect(stalled).toEqual([]);
    } finally {
      await other.kill();
    }
    const killed = Date.now();
    const [a, b] = [await whenTaken('a:1'), await whenTaken('b:1')];
    // A little more than the interval: this machine is busy.
    for (const { at } of [a, b]) expect(at - killed).toBeLessThan(2 * STALL_MS + 500);
    expect(stalled.sort()).toEqual(expect.arrayContaining(['a:1', 'b:1']));
    await eventually(async () => expect(await leftInRedis()).toEqual(NOTHING));
  });
});

describe('when Redis was restarted', () => {
  const HEALED_MS = 2_000;

  /** How long it takes until a job is added and taken, in ms. With a healthy Redis it shows how fast the machine is now. */
  async function deliver(job: string): Promise<number> {
    const began = Date.now();
    await add(job);
    return (await whenTaken(job)).at - began;
  }

  it('jobs are added and delivered again within two seconds, those that waited as well as delayed ones', async () => {
    await consume();
    const before = await deliver('before:1');
    await add('delayed:1', { at: Date.now() + 1_500 });
    await server.kill();
    await server.restart();
    const back = Date.now();
    const healed = await deliver('new:1');
    const delayed = (await whenTaken('delayed:1')).at - back;
    const slowness = 5 * Math.max(before, await deliver('after:1'));
    expect(healed).toBeLessThan(HEALED_MS + slowness);
    expect(delayed).toBeLessThan(HEALED_MS + 1_500 + slowness);
    await add('later:1', { at: Date.now() + 300 });
    await whenTaken('later:1');
  });

  it('again and again, the same', async () => {
    await consume();
    for (let round = 0; round < 3; round++) {
      await add(`r${round}:1`, { at: Date.now() + 200 });
      await server.kill();
      await server.restart();
      const back = Date.now();
      const healed = (await whenTaken(`r${round}:1`)).at - back;
      expect(healed).toBeLessThan(HEALED_MS + 5 * (await deliver(`r${round}:2`)));
    }
  });

  it('without its data, what comes next is delivered', async () => {
    await consume();
    await add('lost:1', { at: Date.now() + 60_000 });
    await server.restart({ wipe: true });
    await add('new:1');
    await whenTaken('new:1');
  });

  it('a job that was under way is finished, not done twice at once', async () => {
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
  });

  it('a job that runs elsewhere does not count as stalled, however long Redis was away', async () => {
    const other = new JobQueues({ url: server.url, prefix, events: new Events(log), clock: { now: Date.now } });
    const seen: string[] = [];
    const watching = { concurrency: 4, stallInterval: 1_000, onStalled: (job: string) => seen.push(job) };
    await consume(() => new Promise(() => undefined), { stallInterval: 1_000 });
    await add('a:1');
    await whenTaken('a:1');
    const watcher = await other.consume(NAME, watching, async (job) => void seen.push(job));
    try {
      for (let round = 0; round < 3; round++) {
        // Long enough that the job is among those who must give a sign before the next check.
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
      other.close();
    }
  });

  it('scripts that Redis has lost are sent again, also without a restart', async () => {
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
  });

  it('it is said once that it was away and once that it is back', async () => {
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
  });
});

describe('a consumer whose connections are open and dead', () => {
  it('takes the next job within ten seconds, however long it was idle', async () => {
    const proxy = await startRedisProxy(server.port);
    try {
      queues = new JobQueues({ url: proxy.url, prefix, events: new Events(log), clock: { now: Date.now } });
      await consume();
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
  });

  it('asks for one job at a time while there is none, since each that was asked for in vain may take one along', async () => {
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
  });
});

describe('while Redis is away', () => {
  it('from the start, a consumer begins when it comes', async () => {
    await server.kill();
    const consuming = consume();
    await server.restart();
    await consuming;
    await add('b:1');
    await whenTaken('b:1');
  });

  it('from the start, a consumer that waits for it can be given up', async () => {
    await server.kill();
    const consuming = consume();
    consuming.catch(() => undefined);
    const began = performance.now();
    queues.close();
    await expect(consuming).rejects.toThrow(ClosedError);
    expect(performance.now() - began).toBeLessThan(2_000);
    await server.restart();
  });

  it('what was connected can be closed too', async () => {
    const consumer = await consume();
    await add('a:1');
    await server.kill();
    const began = performance.now();
    await consumer.close(500);
    queues.close();
    expect(performance.now() - began).toBeLessThan(2_500);
    await server.restart();
  });
});
