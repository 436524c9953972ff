// What the store does when Redis is away, frozen, restarted or has forgotten its scripts.
import { connect as connectSocket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import { TaskError } from '../../core/error.ts';
import { eventually } from '../../test/support/eventually.ts';
import { type RedisProxy, startRedisProxy } from '../../test/support/redis/redis-proxy.ts';
import { makeTask, type StoreClient, useStore } from '../../test/support/redis/store-world.ts';
import type { Redis } from './redis.ts';
import type { TaskStore } from './store.ts';

jest.setTimeout(30_000);

const world = useStore({ retention: 60 });
/** The process that a test looks at. */
let redis: Redis;
let store: TaskStore;
let log: StoreClient['log'];

function connect(url?: string): void {
  ({ redis, store, log } = world.connect(url));
}

beforeEach(() => connect());

const create = (snapshot = makeTask(), key: string | null = null) =>
  store.create({ snapshot, owner: 'ada', input: { n: 1 } }, key);
const works = () => eventually(() => redis.ping().then(() => true), { within: 5_000 });

/** Expects a refusal within `ms`. A timer decides, not a clock: on a busy machine both are late alike. */
async function expectUnavailable(call: () => Promise<unknown>, ms = 2_000): Promise<void> {
  const isOver = new AbortController();
  const limit = delay(ms, `no answer within ${ms} ms`, { signal: isOver.signal }).catch(() => undefined);
  const error = await Promise.race([
    call().then(
      () => null,
      (thrown: unknown) => thrown,
    ),
    limit,
  ]);
  isOver.abort();
  expect(error).toBeInstanceOf(TaskError);
  expect(error).toMatchObject({ code: 'store_unavailable', status: 503, retryable: true, retryAfter: 1 });
}

const every: readonly [string, () => Promise<unknown>][] = [
  ['create', () => create()],
  ['read', () => store.read(uuid())],
  ['list', () => store.list('ada')],
  ['apply', () => store.apply({ snapshot: makeTask(), owner: 'ada' }, { type: 'start', at: new Date().toISOString() })],
  ['ping', () => redis.ping()],
];

describe('scripts that Redis has forgotten', () => {
  it('are sent again after SCRIPT FLUSH', async () => {
    await create();
    await world.raw.scriptFlush();
    const snapshot = makeTask();
    expect(await create(snapshot)).toMatchObject({ result: 'created' });
    expect((await store.read(snapshot.id))?.snapshot).toEqual(snapshot);
  });

  it('are sent again after a restart, which loses nothing that was stored', async () => {
    const before = makeTask();
    await create(before);
    await world.server.kill();
    await world.server.restart();
    await works();
    const after = makeTask();
    await create(after);
    await store.apply({ snapshot: after, owner: 'ada' }, { type: 'start', at: new Date().toISOString() });
    expect((await store.read(before.id))?.snapshot).toEqual(before);
    expect((await store.list('ada', { limit: 2 })).tasks.map(({ id }) => id)).toEqual([after.id, before.id]);
  });
});

describe('while Redis is away', () => {
  it('every call is answered within two seconds, and works again when it is back', async () => {
    await redis.ping();
    await world.server.kill();
    await Promise.all(every.map(([, call]) => expectUnavailable(call)));
    expect(await store.medianDuration('import')).toBeNull();
    await world.server.restart();
    await works();
    await create();
  });

  it('from the start, every call is answered within two seconds too, and works once Redis is there', async () => {
    await world.server.kill();
    connect();
    await Promise.all(every.map(([, call]) => expectUnavailable(call)));
    await world.server.restart();
    await works();
    await create();
  });

  it('from the start, what was refused does not happen later', async () => {
    await world.server.kill();
    const refused = makeTask();
    connect();
    await expectUnavailable(() => create(refused));
    await world.server.restart();
    await works();
    expect(await store.read(refused.id)).toBeNull();
    expect((await store.list('ada', { limit: 100 })).tasks.map(({ id }) => id)).not.toContain(refused.id);
  });

  it('the log tells it once, with the time since when, and once more when Redis is back', async () => {
    await redis.ping();
    await world.server.kill();
    for (let n = 0; n < 3; n++) await Promise.all([...every, ...every].map(([, call]) => expectUnavailable(call)));
    await world.server.restart();
    await works();
    const lines = await eventually(() => {
      const told = log.lines.filter(({ message }) => message.startsWith('Redis'));
      return told.length > 1 && told;
    });
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(Date.now() - Date.parse(String(lines[0]?.fields.since))).toBeLessThan(20_000);
    expect(lines[1]?.fields).toMatchObject({ since: lines[0]?.fields.since, failures: expect.any(Number) });
  });

  it('cancellations are heard again once it is back', async () => {
    const heard: string[] = [];
    await redis.onCancel((id) => heard.push(id));
    await world.server.kill();
    await world.server.restart();
    await works();
    await eventually(
      async () => {
        const snapshot = makeTask();
        await create(snapshot);
        const task = { snapshot, owner: 'ada' };
        await store.apply(task, { type: 'start', at: new Date().toISOString() });
        await store.apply(task, { type: 'cancel', at: new Date().toISOString() });
        await redis.ping();
        return heard.includes(snapshot.id);
      },
      { every: 200 },
    );
  });
});

describe('while Redis is frozen', () => {
  afterEach(() => {
    try {
      process.kill(world.server.pid, 'SIGCONT');
    } catch {
      // It has been replaced.
    }
  });

  it('every call is answered within two seconds, and works again once it goes on', async () => {
    await redis.ping();
    process.kill(world.server.pid, 'SIGSTOP');
    await Promise.all(every.map(([, call]) => expectUnavailable(call)));
    process.kill(world.server.pid, 'SIGCONT');
    await works();
    await create();
  });

  it('on a new connection, every call is answered within two seconds too', async () => {
    process.kill(world.server.pid, 'SIGSTOP');
    connect();
    await Promise.all(every.map(([, call]) => expectUnavailable(call)));
    process.kill(world.server.pid, 'SIGCONT');
    await works();
  });

  it('and then killed and started again, it is found again', async () => {
    await redis.ping();
    process.kill(world.server.pid, 'SIGSTOP');
    await expectUnavailable(() => create());
    await world.server.kill();
    await world.server.restart();
    await works();
    await create();
  });

  it('a creation that got no answer and was taken back is gone in the end', async () => {
    await redis.ping();
    process.kill(world.server.pid, 'SIGSTOP');
    const refused = makeTask();
    await expectUnavailable(() => create(refused));
    const discarded = store.discard(refused.id, 'ada');
    process.kill(world.server.pid, 'SIGCONT');
    await discarded;
    expect(await store.read(refused.id)).toBeNull();
  });

  it('a creation with a key that got no answer is the one that the next try gets', async () => {
    await redis.ping();
    process.kill(world.server.pid, 'SIGSTOP');
    const first = makeTask();
    await expectUnavailable(() => create(first, 'the-key'));
    process.kill(world.server.pid, 'SIGCONT');
    await works();
    const second = makeTask();
    const answer = await create(second, 'the-key');
    expect(answer).toEqual({ result: 'exists', id: first.id });
    expect(await store.read(second.id)).toBeNull();
  });
});

describe('a connection that is open and dead', () => {
  let proxy: RedisProxy;
  beforeEach(async () => {
    proxy = await startRedisProxy(world.server.port);
    connect(proxy.url);
  });
  afterEach(() => proxy.close());

  it('is noticed while nobody asks for anything', async () => {
    await redis.ping();
    proxy.swallow();
    await eventually(() => proxy.made > 1, { within: 8_000, that: 'another connection' });
    await redis.ping();
  });

  it('is noticed while much is asked for', async () => {
    await redis.ping();
    proxy.swallow();
    const began = performance.now();
    while (proxy.made === 1 && performance.now() - began < 8_000) {
      void redis.ping().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await works();
    expect(proxy.made).toBeGreaterThan(1);
  });

  it('of the subscriber alone is noticed too, and the listener is told that it may have missed changes', async () => {
    const heard: (string | null)[] = [];
    await redis.onChange((id) => heard.push(id));
    const before = heard.length;
    proxy.swallow();
    await eventually(() => heard.length > before, { within: 10_000 });
    expect(heard.at(-1)).toBeNull();
    const snapshot = makeTask();
    await eventually(() => create(snapshot));
    await eventually(async () => {
      await store.markWaited(snapshot.id, 10_000);
      await store.apply({ snapshot, owner: 'ada' }, { type: 'start', at: new Date().toISOString() });
      return heard.includes(snapshot.id);
    });
  });
});

describe('a key that holds data of another kind', () => {
  it('is a bug and no outage: the error is thrown unchanged, and logged', async () => {
    await redis.ping();
    await world.raw.set(`${world.prefix}all:eve`, 'somebody else’s');
    for (let n = 0; n < 3; n++) {
      const error = await store.list('eve').catch((thrown: unknown) => thrown);
      expect(error).not.toBeInstanceOf(TaskError);
      expect(String(error)).toContain('WRONGTYPE');
    }
    await redis.ping();
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['error', expect.stringMatching(/makes no sense.*WRONGTYPE/)],
    ]);
  });
});

describe('a Redis that refuses us', () => {
  it('counts as unavailable, and no secret is in the error or the log', async () => {
    await redis.close();
    connect(world.server.url.replace('redis://', 'redis://app:hunter2@'));
    const error = await redis.ping().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'store_unavailable' });
    expect(log.lines).toHaveLength(1);
    expect(JSON.stringify([log.lines, error, String(error)])).not.toContain('hunter2');
  });
});

describe('a verdict about a dead worker', () => {
  it('stays as it was stored first, by commands that Redis 6.2 has: it refuses SET with both NX and GET', async () => {
    const monitor = connectSocket(world.server.port);
    let said = '';
    monitor.on('data', (data) => {
      said += data;
    });
    monitor.write('MONITOR\r\n');
    await eventually(() => said.includes('+OK'));
    expect(await redis.keepVerdict('w', 'first')).toBe('first');
    expect(await redis.keepVerdict('w', 'second')).toBe('first');
    const commands = () => said.split('\n').filter((line) => line.includes('verdict:w'));
    await eventually(() => expect(commands()).toHaveLength(3));
    monitor.destroy();
    expect(commands().map((line) => [...line.matchAll(/"(SET|NX|EX|GET)"/g)].map(([, word]) => word))).toEqual([
      ['SET', 'EX', 'NX'],
      ['SET', 'EX', 'NX'],
      ['GET'],
    ]);
  });
});

describe('after close', () => {
  it('every call is refused at once', async () => {
    await redis.ping();
    await redis.close();
    for (const [, call] of every) await expectUnavailable(call, 100);
  });
});
