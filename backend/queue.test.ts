import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createClient } from '@redis/client';
import { eventually } from '../test/support/eventually.ts';
import { recordLog } from '../test/support/log.ts';
import { startRedis, type TestRedis } from '../test/support/redis.ts';
import { type Bundle, bundleScript, startScript } from '../test/support/script-process.ts';
import { type ConsumeOptions, type Consumer, JobQueues } from './queue.ts';

jest.setTimeout(30_000);

const NAME = 'import';
let server: TestRedis;
let bundle: Bundle;
let prefix: string;
let queues: JobQueues;
let log: ReturnType<typeof recordLog>;
let consumers: Consumer[];
let taken: { readonly job: string; readonly at: number }[];
let stalled: string[];
let rounds = 0;

beforeAll(async () => {
  [server, bundle] = await Promise.all([startRedis(), bundleScript('test/fixtures/queue-consumer.ts')]);
});
afterAll(async () => {
  bundle.remove();
  await server.stop();
});
beforeEach(() => {
  prefix = `q${rounds++}:`;
  log = recordLog();
  queues = new JobQueues({ url: server.url, prefix, log });
  consumers = [];
  taken = [];
  stalled = [];
});
afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.close(1_000)));
  await queues.close();
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

const names = () => taken.map(({ job }) => job);
const comes = (job: string, within = 5_000) =>
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
const left = () =>
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

async function expectRefused(add: Promise<void>): Promise<void> {
  const began = performance.now();
  await expect(add).rejects.toThrow();
  expect(performance.now() - began).toBeLessThan(1_800);
}

describe('a job', () => {
  it('is delivered once, and nothing is left of it', async () => {
    await consume();
    for (let n = 0; n < 20; n++) await queues.add(NAME, `t${n}:1`);
    await eventually(() => taken.length >= 20);
    await eventually(async () => expect(await left()).toEqual(NOTHING));
    expect(names().sort()).toEqual(Array.from({ length: 20 }, (_, n) => `t${n}:1`).sort());
  });

  it('is delivered once, however many are added in one instant, each at its time', async () => {
    await consume(undefined, { concurrency: 50 });
    const at = Date.now() + 1_500;
    const jobs = Array.from({ length: 500 }, (_, n) => `t${n}:1`);
    await Promise.all(jobs.map((job, n) => queues.add(NAME, job, n === 7 ? at : undefined)));
    await comes('t7:1');
    await eventually(async () => expect(await left()).toEqual(NOTHING));
    expect(names().sort()).toEqual(jobs.sort());
    expect(taken.find(({ job }) => job === 't7:1')?.at).toBeGreaterThanOrEqual(at);
  });

  it('that was added before anybody listens waits', async () => {
    await queues.add(NAME, 'early:1');
    expect(await left()).toEqual({ ...NOTHING, waiting: 1, jobs: 1 });
    await consume();
    await comes('early:1');
  });

  it('added twice is one', async () => {
    await Promise.all([queues.add(NAME, 'a:1'), queues.add(NAME, 'a:1')]);
    await queues.add(NAME, 'a:1');
    await queues.add(NAME, 'a:1', Date.now() + 60_000);
    expect(await left()).toEqual({ ...NOTHING, waiting: 1, jobs: 1 });
  });

  it('of one definition is not another’s', async () => {
    await consume();
    await queues.add('other', 'o:1');
    await queues.add(NAME, 'a:1');
    await comes('a:1');
    expect(names()).toEqual(['a:1']);
  });

  it('with a time comes then, whichever was added first', async () => {
    await consume();
    const now = Date.now();
    await queues.add(NAME, 'late:1', now + 1_200);
    await queues.add(NAME, 'soon:1', now + 300);
    await queues.add(NAME, 'past:1', now - 1_000);
    await comes('late:1');
    expect(names()).toEqual(['past:1', 'soon:1', 'late:1']);
    const at = Object.fromEntries(taken.map((one) => [one.job, one.at - now]));
    expect(at['past:1']).toBeLessThan(300);
    expect(at['soon:1']).toBeGreaterThanOrEqual(300);
    expect(at['late:1']).toBeGreaterThanOrEqual(1_200);
    expect(at['late:1']).toBeLessThan(2_500);
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
    for (let n = 0; n < 7; n++) await queues.add(NAME, `t${n}:1`);
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
    await queues.add(NAME, 'a:1');
    await comes('a:1');
    let isClosed = false;
    const closed = consumer.close(10_000).then(() => (isClosed = true));
    await queues.add(NAME, 'b:1');
    expect(isClosed).toBe(false);
    end();
    await closed;
    expect(names()).toEqual(['a:1']);
    expect(await left()).toEqual({ ...NOTHING, waiting: 1, jobs: 1 });
  });

  it('that does not finish in time is not waited for longer', async () => {
    const consumer = await consume(() => new Promise(() => undefined));
    await queues.add(NAME, 'a:1');
    await comes('a:1');
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
        await queues.add(NAME, job);
        await eventually(() => other.output().includes(`took ${job}`));
      }
      await consume(undefined, { stallInterval: STALL_MS });
      await queues.add(NAME, 'c:1');
      await eventually(() => taken.length + Number(other.output().includes('took c:1')) > 0);
      // As long as it lives, it keeps them: several intervals in which nothing is taken for stalled.
      const began = Date.now();
      await eventually(() => Date.now() - began > 3 * STALL_MS);
      expect(stalled).toEqual([]);
    } finally {
      await other.kill();
    }
    const killed = Date.now();
    const [a, b] = [await comes('a:1'), await comes('b:1')];
    // A little more than the interval: this machine is busy.
    for (const { at } of [a, b]) expect(at - killed).toBeLessThan(2 * STALL_MS + 500);
    expect(stalled.sort()).toEqual(expect.arrayContaining(['a:1', 'b:1']));
    await eventually(async () => expect(await left()).toEqual(NOTHING));
  });
});

describe('when Redis was restarted', () => {
  const HEALED_MS = 2_000;

  it('jobs are added and delivered again within two seconds, those that waited as well as delayed ones', async () => {
    await consume();
    await queues.add(NAME, 'before:1');
    await comes('before:1');
    await queues.add(NAME, 'delayed:1', Date.now() + 1_500);
    await server.kill();
    await server.restart();
    const back = Date.now();
    await eventually(() => queues.add(NAME, 'new:1').then(() => true), { every: 50 });
    expect((await comes('new:1')).at - back).toBeLessThan(HEALED_MS);
    expect((await comes('delayed:1')).at - back).toBeLessThan(HEALED_MS + 1_500);
    await queues.add(NAME, 'later:1', Date.now() + 300);
    await comes('later:1');
  });

  it('again and again, the same', async () => {
    await consume();
    for (let round = 0; round < 3; round++) {
      await queues.add(NAME, `r${round}:1`, Date.now() + 200);
      await server.kill();
      await server.restart();
      const back = Date.now();
      expect((await comes(`r${round}:1`)).at - back).toBeLessThan(HEALED_MS);
      await eventually(() => queues.add(NAME, `r${round}:2`).then(() => true), { every: 50 });
    }
    await comes('r2:2');
  });

  it('without its data, what comes next is delivered', async () => {
    await consume();
    await queues.add(NAME, 'lost:1', Date.now() + 60_000);
    await server.restart({ wipe: true });
    await eventually(() => queues.add(NAME, 'new:1').then(() => true), { every: 50 });
    await comes('new:1');
  });

  it('a job that was under way is finished, not done twice at once', async () => {
    let end: () => void = () => undefined;
    const finish = new Promise<void>((resolve) => (end = resolve));
    await consume(() => finish, { stallInterval: 5_000 });
    await queues.add(NAME, 'a:1');
    await comes('a:1');
    await server.kill();
    end();
    await server.restart();
    await eventually(async () => expect(await left()).toEqual(NOTHING));
    expect(names()).toEqual(['a:1']);
  });

  it('scripts are loaded again where they are missed, also without a restart', async () => {
    await consume();
    await queues.add(NAME, 'a:1');
    await withRaw((client) => client.scriptFlush());
    await queues.add(NAME, 'b:1');
    await comes('b:1');
    await queues.add(NAME, 'c:1', Date.now() + 400);
    // Nobody adds anything from here on: the consumer itself has to notice, and it is no outage.
    await withRaw((client) => client.scriptFlush());
    await comes('c:1');
    expect(log.lines).toEqual([]);
  });

  it('it is said once that it was away and once that it is back', async () => {
    await consume();
    await queues.add(NAME, 'a:1');
    await comes('a:1');
    await server.kill();
    for (let n = 0; n < 3; n++) await expectRefused(queues.add(NAME, `n${n}:1`));
    await server.restart();
    await eventually(() => queues.add(NAME, 'b:1').then(() => true), { every: 50 });
    await comes('b:1');
    await eventually(() => log.find('info', /answers again/).length > 0);
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(log.lines[1]?.fields.since).toBe(log.lines[0]?.fields.since);
  });
});

describe('while Redis is away', () => {
  it('to add is refused in time, and works once it is back', async () => {
    await queues.add(NAME, 'a:1');
    await server.kill();
    for (let n = 0; n < 3; n++) await expectRefused(queues.add(NAME, `b${n}:1`));
    await server.restart();
    await eventually(() => queues.add(NAME, 'c:1').then(() => true), { every: 50, within: 2_500 });
  });

  it('from the start, to add is refused in time, and a consumer begins when it comes', async () => {
    await server.kill();
    const consuming = consume();
    await expectRefused(queues.add(NAME, 'a:1'));
    await server.restart();
    await consuming;
    await eventually(() => queues.add(NAME, 'b:1').then(() => true), { every: 50 });
    await comes('b:1');
    // The one that was refused may still have been added; then it is delivered, once.
    expect(names().filter((job) => job === 'a:1').length).toBeLessThanOrEqual(1);
  });

  it('it can be closed, and keeps nothing waiting', async () => {
    await server.kill();
    const consuming = consume();
    consuming.catch(() => undefined);
    await expectRefused(queues.add(NAME, 'a:1'));
    const began = performance.now();
    await queues.close();
    await expect(consuming).rejects.toThrow('closed');
    expect(performance.now() - began).toBeLessThan(2_000);
    await server.restart();
  });

  it('what was connected can be closed too', async () => {
    const consumer = await consume();
    await queues.add(NAME, 'a:1');
    await server.kill();
    const began = performance.now();
    await consumer.close(500);
    await queues.close();
    expect(performance.now() - began).toBeLessThan(2_500);
    await server.restart();
  });
});

describe('while Redis is frozen', () => {
  it('to add is refused in time, and to add the same again gives one job', async () => {
    await queues.add(NAME, 'a:1');
    process.kill(server.pid, 'SIGSTOP');
    await expectRefused(queues.add(NAME, 'b:1'));
    process.kill(server.pid, 'SIGCONT');
    await queues.add(NAME, 'b:1');
    expect(await left()).toEqual({ ...NOTHING, waiting: 2, jobs: 2 });
  });
});
