/**
 * Outages of Redis: failovers, full memory, cut and silent connections, restarts, pauses. Everything works again at most 10 s
 * after Redis works again. The tests mostly wait, and each has a Redis, a server and a worker of its own, so they run at the
 * same time.
 *
 * @at-once 6
 */
import { expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { eventually } from '../../support/eventually.ts';
import type { RedisProxy } from '../../support/redis/redis-proxy.ts';
import { type RedisWorld, work } from '../../support/redis/redis-world.ts';
import { HEALED_MS, makeReplica, type RedisParts, withRedis } from '../../support/redis/use-redis.ts';

jest.setTimeout(90_000);

/** No new sequence of interruptions begins after this. */
const SEQUENCES_MS = 45_000;

/** Starts a server and a worker that have done a task. */
async function startWorkingWorld({ startWorld }: RedisParts, url: string): Promise<RedisWorld> {
  const world = await startWorld(url);
  await world.runOneTask(20_000);
  return world;
}

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const isWell = (world: RedisWorld) =>
  eventually(async () => (await world.server.check()).redis, {
    within: HEALED_MS,
    every: 100,
    that: 'check() to report Redis as well',
  });
const warnings = (world: RedisWorld) => world.logs.server.lines.filter(({ level }) => level === 'warn');

// First, since it takes longest.
it.concurrent(
  'any sequence of interruptions leaves a server and a worker that accept and do a task within 10 s',
  withRedis(async (parts) => {
    const server = await parts.startRedis();
    const proxy = await parts.startProxy(server);
    const world = await startWorkingWorld(parts, proxy.url);
    const interruptions = {
      'kill connections': () => server.say('CLIENT', 'KILL', 'TYPE', 'normal'),
      'kill subscribers': () => server.say('CLIENT', 'KILL', 'TYPE', 'pubsub'),
      'cut connections': () => proxy.cut(),
      'swallow what is sent': () => proxy.swallow(),
      'forget scripts': () => server.say('SCRIPT', 'FLUSH'),
      'pause clients': () => server.say('CLIENT', 'PAUSE', '1500', 'ALL'),
      restart: async () => {
        await server.kill();
        await delay(300);
        await server.restart();
      },
      'full memory': async () => {
        await server.say('CONFIG', 'SET', 'maxmemory', '1');
        await delay(1_000);
        await server.say('CONFIG', 'SET', 'maxmemory', '0');
      },
      'read only': async () => {
        await server.say('REPLICAOF', '127.0.0.1', '1');
        await delay(1_000);
        await server.say('REPLICAOF', 'NO', 'ONE');
      },
      freeze: async () => {
        process.kill(server.pid, 'SIGSTOP');
        await delay(1_500);
        process.kill(server.pid, 'SIGCONT');
      },
    };
    const names = Object.keys(interruptions) as (keyof typeof interruptions)[];
    const step = fc.record({ name: fc.constantFrom(...names), pause: fc.integer({ min: 0, max: 400 }) });
    const end = performance.now() + SEQUENCES_MS;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        // fast-check's own time limit would let an interruption go on after the test, so check the time here.
        if (performance.now() > end) return;
        for (const { name, pause } of steps) {
          await interruptions[name]();
          await delay(pause);
        }
        await eventually(async () => (await server.say('PING')) === 'PONG', { within: 10_000 });
        await world.runOneTask(HEALED_MS);
        await isWell(world);
      }),
      { numRuns: 6, endOnFailure: true },
    );
  }),
);

/** A primary and its replica, and a server and a worker that reach the primary through a proxy. */
async function startPair(parts: RedisParts) {
  const { startRedis, startProxy } = parts;
  const [a, b] = await Promise.all([
    startRedis({ 'repl-diskless-sync-delay': '0' }),
    startRedis({ 'repl-diskless-sync-delay': '0' }),
  ]);
  await makeReplica(b.say, a.port);
  const proxy = await startProxy(a);
  return {
    proxy,
    world: await startWorkingWorld(parts, proxy.url),
    async failOver({ demote = true } = {}) {
      // Data that was not replicated yet is lost with its primary. That is not tested here, so wait until all of it is.
      await a.say('SET', 'marker', '1');
      await eventually(async () => (await b.say('GET', 'marker')) === '1');
      await b.say('REPLICAOF', 'NO', 'ONE');
      proxy.leadTo(b.port);
      if (demote) await a.say('REPLICAOF', '127.0.0.1', String(b.port));
    },
  };
}

it.concurrent.each<[string, (proxy: RedisProxy) => unknown]>([
  ['whose connections stay open', () => undefined],
  ['that cuts connections', (proxy) => proxy.cut()],
  ['that leaves connections open and silent', (proxy) => proxy.swallow()],
])(
  'a failover behind one address %s: tasks are accepted, done and cancelled, and what was running ends once',
  withRedis(async (parts, _what: string, disturb: (proxy: RedisProxy) => unknown) => {
    const { world, proxy, failOver } = await startPair(parts);
    const running = await world.start({ ms: 8_000 });
    const toCancel = await world.start({ ms: 60_000 });
    await world.reaches(running.id, 'running');
    await world.reaches(toCancel.id, 'running');
    await failOver();
    disturb(proxy);
    await world.runOneTask(HEALED_MS);
    await eventually(() => world.tasks.tasks.cancel('ada', toCancel.id), { within: 2_000, every: 200 });
    await world.reaches(toCancel.id, 'cancelled');
    await world.reaches(running.id, 'succeeded');
    expect([world.runs.get(running.id), world.runs.get(toCancel.id)]).toEqual([1, 1]);
    expect(await world.server.check()).toMatchObject({ redis: true });
  }),
);

it.concurrent(
  'a failover to a replica without its primary: the replica is not used, and everything works once it is a primary',
  withRedis(async (parts) => {
    const { world, proxy } = await startPair(parts);
    const orphan = await parts.startRedis({ 'replica-serve-stale-data': 'no' });
    await orphan.say('REPLICAOF', '127.0.0.1', '1');
    const before = proxy.made;
    proxy.leadTo(orphan.port);
    proxy.cut();
    await eventually(() => world.logs.server.find('warn', /cannot be used: .*MASTERDOWN/).length > 0);
    expect(await world.server.check()).toMatchObject({ redis: false });
    await delay(3_000);
    // Six connections for 3 s. Each may be tried about once a second, so 60 leaves room for a slow machine.
    expect(proxy.made - before).toBeLessThan(60);
    await orphan.say('REPLICAOF', 'NO', 'ONE');
    await world.runOneTask(HEALED_MS);
  }),
);

it.concurrent(
  'full memory is named in one warning, causes few commands, and ends with a line when there is room again',
  withRedis(async (parts) => {
    const server = await parts.startRedis();
    const world = await startWorkingWorld(parts, server.url);
    await server.say('CONFIG', 'SET', 'maxmemory', '1');
    const calls = async () =>
      Number(/total_commands_processed:(\d+)/.exec(String(await server.say('INFO', 'stats')))?.[1]);
    const before = await calls();
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.start().catch((error) => error)));
    for (const answer of answers) expect(answer).toMatchObject({ code: 'store_unavailable', status: 503 });
    expect((await calls()) - before).toBeLessThan(200);
    expect(await world.server.check()).toMatchObject({ redis: false });
    await delay(4_000);
    expect(warnings(world).map(({ message }) => message)).toEqual([expect.stringMatching(/memory is full.*OOM/)]);
    expect(world.logs.server.find('info', /answers again/)).toEqual([]);
    await server.say('CONFIG', 'SET', 'maxmemory', '0');
    await world.runOneTask(HEALED_MS);
    await eventually(() => world.logs.server.find('info', /answers again/).length === 1, { within: HEALED_MS });
  }),
);

it.concurrent(
  'a task can be read while memory is full',
  withRedis(async (parts) => {
    const server = await parts.startRedis();
    const world = await startWorkingWorld(parts, server.url);
    const { id } = await world.start();
    await world.reaches(id, 'succeeded');
    await server.say('CONFIG', 'SET', 'maxmemory', '1');
    await server.say('CLIENT', 'KILL', 'TYPE', 'normal');
    await eventually(() => world.tasks.tasks.get('ada', id), { within: 5_000 });
    await server.say('CONFIG', 'SET', 'maxmemory', '0');
  }),
);

it.concurrent(
  'connections that are killed again and again do not keep a worker from taking tasks',
  withRedis(async (parts) => {
    const server = await parts.startRedis();
    const world = await startWorkingWorld(parts, server.url);
    for (let n = 0; n < 30; n++) {
      await server.say('CLIENT', 'KILL', 'TYPE', n % 3 === 0 ? 'pubsub' : 'normal');
      await delay(n % 5 === 0 ? 700 : 60);
    }
    expect(await world.runOneTask(HEALED_MS)).toBeLessThan(3_000);
    expect(warnings(world).length).toBeLessThan(3);
  }),
);

it.concurrent(
  'a Redis that takes a while to load its data after a restart is used once it is ready',
  withRedis(async (parts) => {
    const server = await parts.startRedis({ 'key-load-delay': '1000' });
    const world = await startWorkingWorld(parts, server.url);
    await server.say('EVAL', 'for n = 1, 8000 do redis.call("SET", "other:" .. n, n) end', '0');
    await server.kill();
    const restarted = server.restart();
    await eventually(() => world.logs.server.find('warn', /LOADING/).length > 0, { within: 10_000 });
    expect(await world.server.check()).toMatchObject({ redis: false });
    await restarted;
    await world.runOneTask(HEALED_MS);
  }),
);

it.concurrent(
  'a task that is to start later outlives a restart: it starts at its time, unless it was cancelled before that',
  withRedis(async (parts) => {
    const server = await parts.startRedis();
    const world = await startWorkingWorld(parts, server.url);
    const at = new Date(Date.now() + 12_000);
    const startLater = () => world.tasks.start(work, { ms: 0, failures: 0 }, { owner: 'ada', at });
    const [kept, dropped, refused] = [await startLater(), await startLater(), await startLater()];
    await world.tasks.tasks.cancel('ada', dropped.id);
    await server.kill();
    await delay(300);
    await server.restart();
    await eventually(() => world.tasks.tasks.cancel('ada', refused.id), { within: HEALED_MS, every: 100 });
    expect(await world.tasks.tasks.get('ada', kept.id)).toEqual({ ...kept, startsAt: at.toISOString() });
    const { startedAt } = await world.reaches(kept.id, 'succeeded');
    expect(Date.parse(startedAt ?? '')).toBeGreaterThanOrEqual(at.getTime());
    // The cancelled ones were due at the same time, and would have their turn before this one.
    await world.runOneTask(HEALED_MS);
    for (const { id } of [dropped, refused]) await world.reaches(id, 'cancelled');
    expect([kept, dropped, refused].map(({ id }) => world.runs.get(id))).toEqual([1, undefined, undefined]);
  }),
);

it.concurrent(
  'a pause of all clients, and one of writes only, is noticed, and tasks run again after it',
  withRedis(async (parts) => {
    const server = await parts.startRedis();
    const world = await startWorkingWorld(parts, server.url);
    for (const kind of ['ALL', 'WRITE']) {
      await server.say('CLIENT', 'PAUSE', '7000', kind);
      await eventually(async () => !(await world.server.check()).redis, { within: 5_000 });
      await delay(5_500);
      await world.runOneTask(HEALED_MS + 2_000);
    }
  }),
);

it.concurrent(
  'a wrong password is named in one line without the password, ends no process, and all works once it is right',
  withRedis(async (parts) => {
    const server = await parts.startRedis();
    await server.say('ACL', 'SETUSER', 'app', 'on', '>another', '~*', '&*', '+@all');
    const world = await parts.startWorld(server.url.replace('//', '//app:hunter2@'));
    await eventually(() => world.logs.worker.lines.length > 0);
    await expect(world.start()).rejects.toMatchObject({ code: 'store_unavailable', status: 503 });
    expect(await world.server.check()).toMatchObject({ redis: false });
    await delay(3_000);
    for (const log of [world.logs.server, world.logs.worker]) {
      expect(log.lines.map(({ message }) => message)).toEqual([expect.stringMatching(/user or password.* are wrong/)]);
      expect(JSON.stringify(log.lines)).not.toContain('hunter2');
    }
    await server.say('ACL', 'SETUSER', 'app', '>hunter2');
    await world.runOneTask(HEALED_MS);
  }),
);
