/**
 * What the store does when Redis is away, frozen, restarted or has forgotten its scripts. Tests that mostly wait have a Redis of
 * their own each, so they run at the same time.
 *
 * @at-once 6
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import { TaskError } from '../../core/error.ts';
import { eventually } from '../../test/support/eventually.ts';
import { type RedisProxy, startRedisProxy } from '../../test/support/redis/redis-proxy.ts';
import {
  makeTask,
  type OwnStore,
  type StoreClient,
  useStore,
  withStore,
} from '../../test/support/redis/store-world.ts';
import { commandsNeeded } from '../redis/inspection.ts';
import { ALL_SCRIPTS } from './commands/index.ts';

jest.setTimeout(30_000);

const world = useStore({ retention: 60 });

const create = ({ store }: StoreClient, snapshot = makeTask(), key: string | null = null) =>
  store.create({ snapshot, owner: 'ada', input: { n: 1 } }, key);
/** Waits until Redis answers again, for at most 5 s. */
const waitUntilBack = ({ redis }: StoreClient) =>
  eventually(() => redis.probeWrite().then(() => true), { within: 5_000 });

/** Expects a refusal within `ms`. A timer sets the limit: on a busy machine it is late by as much as the refusal. */
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

/** One call of each kind. */
const everyCall = (client: StoreClient): (() => Promise<unknown>)[] => [
  () => create(client),
  () => client.store.read(uuid()),
  () => client.store.list('ada'),
  () => client.store.apply({ snapshot: makeTask(), owner: 'ada' }, { type: 'start', at: new Date().toISOString() }),
  () => client.redis.probeWrite(),
];
const expectAllUnavailable = (client: StoreClient) =>
  Promise.all(everyCall(client).map((call) => expectUnavailable(call)));

describe('scripts that Redis has forgotten', () => {
  it('are sent again after SCRIPT FLUSH', async () => {
    await create(world);
    await world.raw.scriptFlush();
    const snapshot = makeTask();
    expect(await create(world, snapshot)).toMatchObject({ result: 'created' });
    expect((await world.store.read(snapshot.id))?.snapshot).toEqual(snapshot);
  });

  it('are sent again after a restart, which loses nothing that was stored', async () => {
    const before = makeTask();
    await create(world, before);
    await world.server.kill();
    await world.server.restart();
    await waitUntilBack(world);
    const after = makeTask();
    await create(world, after);
    await world.store.apply({ snapshot: after, owner: 'ada' }, { type: 'start', at: new Date().toISOString() });
    expect((await world.store.read(before.id))?.snapshot).toEqual(before);
    expect((await world.store.list('ada', { limit: 2 })).tasks.map(({ id }) => id)).toEqual([after.id, before.id]);
  });
});

it.concurrent(
  'while Redis is away every call is answered within two seconds, and works again when it is back',
  withStore(async (own) => {
    await own.redis.probeWrite();
    await own.server.kill();
    await expectAllUnavailable(own);
    expect(await own.store.medianDuration('import')).toBeNull();
    await own.server.restart();
    await waitUntilBack(own);
    await create(own);
  }),
);

it.concurrent(
  'while Redis is away from the start, every call is answered within two seconds too, and works once Redis is there',
  withStore(async ({ server, connect }) => {
    await server.kill();
    const late = connect();
    await expectAllUnavailable(late);
    await server.restart();
    await waitUntilBack(late);
    await create(late);
  }),
);

it.concurrent(
  'while Redis is away from the start, what was refused does not happen later',
  withStore(async ({ server, connect }) => {
    await server.kill();
    const refused = makeTask();
    const late = connect();
    await expectUnavailable(() => create(late, refused));
    await server.restart();
    await waitUntilBack(late);
    expect(await late.store.read(refused.id)).toBeNull();
    expect((await late.store.list('ada', { limit: 100 })).tasks.map(({ id }) => id)).not.toContain(refused.id);
  }),
);

it.concurrent(
  'while Redis is away the log says so once, and since when, and once more when Redis is back',
  withStore(async (own) => {
    const { redis, server, log } = own;
    await redis.probeWrite();
    await server.kill();
    for (let n = 0; n < 3; n++) await Promise.all([expectAllUnavailable(own), expectAllUnavailable(own)]);
    await server.restart();
    await waitUntilBack(own);
    const lines = await eventually(() => {
      const told = log.lines.filter(({ message }) => message.startsWith('Redis'));
      return told.length > 1 && told;
    });
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(Date.now() - Date.parse(String(lines[0]?.fields.since))).toBeLessThan(20_000);
    expect(lines[1]?.fields).toMatchObject({ since: lines[0]?.fields.since, failures: expect.any(Number) });
  }),
);

it.concurrent(
  'after Redis was away, cancellations are heard again',
  withStore(async (own) => {
    const { redis, server, store } = own;
    const heard: string[] = [];
    await redis.onCancel((id) => heard.push(id));
    await server.kill();
    await server.restart();
    await waitUntilBack(own);
    await eventually(
      async () => {
        const snapshot = makeTask();
        await create(own, snapshot);
        const task = { snapshot, owner: 'ada' };
        await store.apply(task, { type: 'start', at: new Date().toISOString() });
        await store.apply(task, { type: 'cancel', at: new Date().toISOString() });
        await redis.probeWrite();
        return heard.includes(snapshot.id);
      },
      { every: 200 },
    );
  }),
);

/** Stops the process of Redis until the returned function is called, at the latest until the end of the test. */
function freeze({ pid }: OwnStore['server']): () => void {
  process.kill(pid, 'SIGSTOP');
  return () => void process.kill(pid, 'SIGCONT');
}

it.concurrent(
  'while Redis is frozen every call is answered within two seconds, and works again once it goes on',
  withStore(async (own) => {
    await own.redis.probeWrite();
    const goOn = freeze(own.server);
    await expectAllUnavailable(own);
    goOn();
    await waitUntilBack(own);
    await create(own);
  }),
);

it.concurrent(
  'while Redis is frozen on a new connection, every call is answered within two seconds too',
  withStore(async ({ server, connect }) => {
    const goOn = freeze(server);
    const late = connect();
    await expectAllUnavailable(late);
    goOn();
    await waitUntilBack(late);
  }),
);

it.concurrent(
  'a Redis that was frozen, then killed and started again, is found again',
  withStore(async (own) => {
    await own.redis.probeWrite();
    freeze(own.server);
    await expectUnavailable(() => create(own));
    await own.server.kill();
    await own.server.restart();
    await waitUntilBack(own);
    await create(own);
  }),
);

it.concurrent(
  'while Redis is frozen, a creation that got no answer and was discarded leaves no task in the end',
  withStore(async (own) => {
    await own.redis.probeWrite();
    const goOn = freeze(own.server);
    const refused = makeTask();
    await expectUnavailable(() => create(own, refused));
    const discarded = own.store.discard(refused.id, 'ada');
    goOn();
    await discarded;
    expect(await own.store.read(refused.id)).toBeNull();
  }),
);

it.concurrent(
  'while Redis is frozen, a creation with an Idempotency-Key gets no answer; the next try gets the same task',
  withStore(async (own) => {
    await own.redis.probeWrite();
    const goOn = freeze(own.server);
    const first = makeTask();
    await expectUnavailable(() => create(own, first, 'the-key'));
    goOn();
    await waitUntilBack(own);
    const second = makeTask();
    const answer = await create(own, second, 'the-key');
    expect(answer).toEqual({ result: 'exists', id: first.id });
    expect(await own.store.read(second.id)).toBeNull();
  }),
);

/** The body of a test whose store is connected through a proxy. */
const withProxy = (test: (own: StoreClient, proxy: RedisProxy) => Promise<void>) =>
  withStore(async ({ server, connect }) => {
    const proxy = await startRedisProxy(server.port);
    try {
      await test(connect(proxy.url), proxy);
    } finally {
      await proxy.close();
    }
  });

it.concurrent(
  'a connection that is open and dead is noticed while nobody asks for anything',
  withProxy(async ({ redis }, proxy) => {
    await redis.probeWrite();
    proxy.swallow();
    await eventually(() => proxy.made > 1, { within: 8_000, that: 'another connection' });
    await redis.probeWrite();
  }),
);

it.concurrent(
  'a connection that is open and dead is noticed while much is asked for',
  withProxy(async (own, proxy) => {
    await own.redis.probeWrite();
    proxy.swallow();
    const began = performance.now();
    while (proxy.made === 1 && performance.now() - began < 8_000) {
      void own.redis.probeWrite().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await waitUntilBack(own);
    expect(proxy.made).toBeGreaterThan(1);
  }),
);

it.concurrent(
  'a subscriber whose connection is open and dead gets another one, and its listener is told that it may have missed changes',
  withProxy(async (own, proxy) => {
    const { redis, store } = own;
    const heard: (string | null)[] = [];
    await redis.onChange((id) => heard.push(id));
    const before = heard.length;
    proxy.swallow();
    await eventually(() => heard.length > before, { within: 10_000 });
    expect(heard.at(-1)).toBeNull();
    const snapshot = makeTask();
    await eventually(() => create(own, snapshot));
    await eventually(async () => {
      await store.markWaited(snapshot.id, 10_000);
      await store.apply({ snapshot, owner: 'ada' }, { type: 'start', at: new Date().toISOString() });
      return heard.includes(snapshot.id);
    });
  }),
);

describe('a key that holds data of another kind', () => {
  it('is a bug and no outage: the error is thrown unchanged, and logged', async () => {
    const { redis, store, log, raw, prefix } = world;
    await redis.probeWrite();
    await raw.set(`${prefix}all:eve`, 'somebody else’s');
    for (let n = 0; n < 3; n++) {
      const error = await store.list('eve').catch((thrown: unknown) => thrown);
      expect(error).not.toBeInstanceOf(TaskError);
      expect(String(error)).toContain('WRONGTYPE');
    }
    await redis.probeWrite();
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['error', expect.stringMatching(/makes no sense.*WRONGTYPE/)],
    ]);
  });
});

it('a Redis that refuses us counts as unavailable, and no secret is in the error or the log', async () => {
  const { redis, log } = world.connect(world.server.url.replace('redis://', 'redis://app:hunter2@'));
  const error = await redis.probeWrite().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'store_unavailable' });
  expect(log.lines).toHaveLength(1);
  expect(JSON.stringify([log.lines, error, String(error)])).not.toContain('hunter2');
});

it('Redis 6.2 has every command that is sent, and every word that scripts give to one', async () => {
  interface Docs {
    readonly since?: string;
    readonly token?: string;
    readonly arguments?: readonly Docs[];
  }
  const isNewer = ({ since = '0' }: Docs) => since.localeCompare('6.2.99', 'en', { numeric: true }) > 0;
  const newWords = (args: readonly Docs[] = []): string[] =>
    args.flatMap((arg) => [
      ...(arg.token && isNewer(arg) ? [arg.token] : []),
      ...newWords(arg.arguments).concat(isNewer(arg) ? (arg.arguments ?? []).flatMap(({ token = [] }) => token) : []),
    ]);
  const names = commandsNeeded(ALL_SCRIPTS);
  // This needs Redis 7, which knows the history of its commands.
  const docs = (await world.raw.sendCommand(['COMMAND', 'DOCS', ...names])) as unknown as Readonly<
    Record<string, Docs>
  >;
  expect(names.filter((name) => !docs[name] || isNewer(docs[name]))).toEqual([]);
  expect(newWords(docs.expire?.arguments)).toEqual(expect.arrayContaining(['NX', 'GT']));
  const calls = ALL_SCRIPTS.flatMap((script) => script.match(/redis\.p?call\([^\n]*/g) ?? []);
  for (const name of names)
    for (const word of newWords(docs[name]?.arguments))
      expect(calls.filter((call) => call.includes(`'${name.toUpperCase()}'`) && call.includes(`'${word}'`))).toEqual(
        [],
      );
});

it('after close every call is refused at once', async () => {
  await world.redis.probeWrite();
  await world.redis.close();
  for (const call of everyCall(world)) await expectUnavailable(call, 100);
});
