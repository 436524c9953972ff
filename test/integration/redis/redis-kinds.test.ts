// Each kind of Redis that people use (least rights, TLS, Sentinel, Cluster), as a real process with a server and a worker on it.
// The tests mostly wait, and each has parts of its own, so they run at the same time, the longest first.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, jest } from '@jest/globals';
import { generate } from 'selfsigned';
import { commandsNeeded } from '../../../backend/redis/inspection.ts';
import { ALL_SCRIPTS } from '../../../backend/store/commands/index.ts';
import { findFreePort } from '../../../cli/processes/ports.ts';
import { eventually } from '../../support/eventually.ts';
import { sayTo, type TestRedis } from '../../support/redis/redis.ts';
import type { RedisWorld } from '../../support/redis/redis-world.ts';
import { startSentinel, waitUntilTheyKnowEachOther } from '../../support/redis/sentinel.ts';
import { HEALED_MS, makeReplica, type RedisParts, withRedis } from '../../support/redis/use-redis.ts';

jest.setTimeout(90_000);

/** Uses Redis in every way that tasks do: they are accepted, tried again, waited for, cancelled, listed, seen. */
async function expectEverythingWorks(world: RedisWorld): Promise<void> {
  await world.runOneTask(20_000);
  const failing = await world.start({ failures: 1 });
  const running = await world.start({ ms: 60_000 });
  const changed = new Promise((resolve) => void world.server.redis.onChange(resolve));
  await world.server.store.markWaited(running.id, 30_000);
  await world.reaches(running.id, 'running');
  await world.tasks.tasks.cancel('ada', running.id);
  await changed;
  await world.reaches(running.id, 'cancelled');
  await world.reaches(failing.id, 'succeeded');
  const { tasks } = await world.tasks.tasks.list('ada', { state: 'unseen' });
  expect(tasks).toHaveLength(3);
  await world.tasks.tasks.seen(
    'ada',
    tasks.map(({ id }) => id),
  );
  expect((await world.tasks.tasks.list('ada', { state: 'unseen' })).tasks).toEqual([]);
  expect(await world.server.check()).toEqual({ redis: true, push: true });
  for (const log of [world.logs.server, world.logs.worker]) {
    expect(log.lines.filter(({ message }) => /redis/i.test(message))).toEqual([]);
  }
}

/** Starts a sentinel that watches `server`. It is ended after the test. */
async function startSentinelFor({ closeAfterTest }: RedisParts, server: TestRedis) {
  const sentinel = await startSentinel(server.port, { password: 's3cret' });
  closeAfterTest(sentinel.stop);
  return sentinel;
}

it.concurrent(
  'Sentinel leads to the primary, and after a failover to the new one',
  withRedis(async (parts) => {
    const { startRedis, startWorld } = parts;
    const settings = { 'repl-diskless-sync-delay': '0', requirepass: '', masterauth: 's3cret' };
    const [a, b] = [await startRedis(settings), await startRedis(settings)];
    for (const server of [a, b])
      await server.say('ACL', 'SETUSER', 'default', 'resetpass', '>s3cret', '~*', '&*', '+@all').catch(() => undefined);
    const say = (port: number, ...command: string[]) => sayTo(port, command, 's3cret');
    await makeReplica((...command) => say(b.port, ...command), a.port);
    const sentinels = await Promise.all([0, 1, 2].map(() => startSentinelFor(parts, a)));
    await waitUntilTheyKnowEachOther(sentinels);
    // Nothing listens there, as if one sentinel were down.
    const deadPort = await findFreePort();
    const world = await startWorld(
      `redis+sentinel://:s3cret@127.0.0.1:${deadPort},${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/main`,
    );
    await expectEverythingWorks(world);
    await a.kill();
    await eventually(async () => String(await say(b.port, 'ROLE')).startsWith('master'), {
      within: 30_000,
      every: 100,
    });
    await world.runOneTask(HEALED_MS);
    expect(await world.server.check()).toMatchObject({ redis: true });
  }),
);

it.concurrent.each([
  ['first', 0],
  ['last', 1],
])(
  'Sentinel that still names the old primary after a failover is not believed, even if it is asked %s',
  withRedis(async ({ startRedis, startWorld, closeAfterTest }, _place, at) => {
    const [old, current] = [await startRedis(), await startRedis()];
    const outdated = await startSentinel(old.port, { epoch: 1 });
    const informed = await startSentinel(current.port, { epoch: 2 });
    closeAfterTest(outdated.stop);
    closeAfterTest(informed.stop);
    const asked = at === 0 ? [outdated, informed] : [informed, outdated];
    const addresses = asked.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const world = await startWorld(`redis+sentinel://${addresses}/main`);
    await world.runOneTask(20_000);
    expect([await old.say('DBSIZE'), await current.say('DBSIZE')]).toEqual([0, expect.any(Number)]);
  }),
);

it.concurrent(
  'Sentinel that does not know the primary: one line says so',
  withRedis(async (parts) => {
    const { startRedis, startWorld } = parts;
    const server = await startRedis();
    const { port } = await startSentinelFor(parts, server);
    const world = await startWorld(`redis+sentinel://127.0.0.1:${port}/other`);
    await expect(world.start()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(world.logs.server.find('warn', /sentinels know no primary called "other"/)).toHaveLength(1);
  }),
);

async function startCluster({ startRedis }: RedisParts, slots: readonly [number, number]): Promise<TestRedis> {
  const node = await startRedis({
    'cluster-enabled': 'yes',
    'cluster-require-full-coverage': 'no',
    appendonly: 'no',
  });
  await node.say('CLUSTER', 'ADDSLOTSRANGE', ...slots.map(String));
  await eventually(async () => String(await node.say('CLUSTER', 'INFO')).includes('cluster_state:ok'), {
    within: 10_000,
  });
  return node;
}

it.concurrent(
  'Redis Cluster does everything with a prefix that has a hash tag',
  withRedis(async (parts) => {
    const { startWorld } = parts;
    const node = await startCluster(parts, [0, 16_383]);
    await expectEverythingWorks(await startWorld(node.url, { prefix: '{inloop}:' }));
  }),
);

it.concurrent(
  'Redis Cluster is refused in one line with a prefix that has no hash tag',
  withRedis(async (parts) => {
    const { startWorld } = parts;
    const node = await startCluster(parts, [0, 16_383]);
    const world = await startWorld(node.url);
    await expect(world.start()).rejects.toMatchObject({ code: 'store_unavailable', status: 503 });
    await expect(world.tasks.tasks.list('ada')).rejects.toMatchObject({ status: 503 });
    expect(await world.server.check()).toMatchObject({ redis: false });
    await eventually(() => world.logs.worker.lines.length > 0);
    for (const log of [world.logs.server, world.logs.worker]) {
      expect(log.lines.map(({ message }) => message)).toEqual([expect.stringMatching(/cluster.*\{inloop\}:/)]);
    }
  }),
);

it.concurrent(
  'Redis Cluster is refused on a node that does not hold our slot, until the node holds it',
  withRedis(async (parts) => {
    const { startWorld } = parts;
    const node = await startCluster(parts, [0, 100]);
    const other = await startCluster(parts, [101, 16_383]);
    await node.say('CLUSTER', 'MEET', '127.0.0.1', String(other.port));
    await eventually(async () => String(await node.say('CLUSTER', 'INFO')).includes('cluster_known_nodes:2'), {
      within: 10_000,
    });
    await eventually(async () => String(await node.say('CLUSTER', 'INFO')).includes('cluster_slots_assigned:16384'), {
      within: 20_000,
    });
    const world = await startWorld(node.url, { prefix: '{inloop}:' });
    await expect(world.start()).rejects.toMatchObject({ code: 'store_unavailable' });
    const told = world.logs.server.find('warn', /cluster, and this node does not hold/);
    expect(told).toHaveLength(1);
    expect(told[0]?.message).toContain(String(other.port));
    const slot = String(await node.say('CLUSTER', 'KEYSLOT', '{inloop}:'));
    const id = String(await node.say('CLUSTER', 'MYID'));
    for (const member of [other, node]) await member.say('CLUSTER', 'SETSLOT', slot, 'NODE', id);
    // When two nodes claim the same slot, the cluster believes the one with the higher epoch.
    await node.say('CLUSTER', 'BUMPEPOCH');
    await world.runOneTask(HEALED_MS);
  }),
);

/** The command of docs/redis.md that makes a user with the rights that inloop needs, word by word. */
const rights = (/^ACL SETUSER inloop .*$/m.exec(readFileSync('docs/redis.md', 'utf8'))?.[0] ?? '').split(' ');
const withUser = (server: TestRedis) => server.url.replace('//', '//inloop:secret@');

it.concurrent(
  'a user of Redis with the rights that docs/redis.md lists can do everything',
  withRedis(async ({ startRedis, startWorld }) => {
    const server = await startRedis();
    await server.say(...rights);
    await expectEverythingWorks(await startWorld(withUser(server)));
  }),
);

it('a user of Redis has in docs/redis.md each right that is needed, and no other but INFO', () => {
  const listed = rights.filter((word) => word.startsWith('+')).map((word) => word.slice(1));
  expect(listed.sort()).toEqual([...commandsNeeded(ALL_SCRIPTS), 'info'].sort());
});

it.concurrent(
  'a user of Redis without INFO can do everything too',
  withRedis(async ({ startRedis, startWorld }) => {
    const server = await startRedis();
    await server.say(...rights, '-info');
    await expectEverythingWorks(await startWorld(withUser(server)));
  }),
);

it.concurrent(
  'a user of Redis that lacks rights: one line names them, no task is accepted, and with the rights everything works again',
  withRedis(async ({ startRedis, startWorld }) => {
    const server = await startRedis();
    await server.say(...rights, '-zadd', '-subscribe');
    const world = await startWorld(withUser(server));
    await expect(world.start()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await world.server.check()).toMatchObject({ redis: false });
    await eventually(() => world.logs.worker.lines.length > 0);
    for (const log of [world.logs.server, world.logs.worker]) {
      expect(log.lines.map(({ message }) => message)).toEqual([
        expect.stringMatching(/may not use subscribe, zadd .*ACL SETUSER.*\+subscribe \+zadd/),
      ]);
    }
    await server.say(...rights);
    await world.runOneTask(HEALED_MS);
  }),
);

it.concurrent.each([['~other:*'], ['&other:*'], ['-eval']])(
  'a user of Redis whose rights are narrowed by %s: one line says what is needed',
  withRedis(async ({ startRedis, startWorld }, right) => {
    const server = await startRedis();
    await server.say(
      ...rights,
      ...(right.startsWith('~') ? ['resetkeys'] : right.startsWith('&') ? ['resetchannels'] : []),
      right,
    );
    const world = await startWorld(withUser(server));
    await expect(world.start()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(world.logs.server.find('warn', /may not use .*ACL SETUSER <user> ~inloop:\* &inloop:\*/)).toHaveLength(1);
  }),
);

it.concurrent(
  'a user of Redis may have any characters in its password, and another database',
  withRedis(async ({ startRedis, startWorld }) => {
    const server = await startRedis();
    const password = 'p@ss/w:rd %?#[é]';
    await server.say(...rights, '+select', `>${password}`);
    const address = server.url.replace('//', `//inloop:${encodeURIComponent(password)}@`);
    await expectEverythingWorks(await startWorld(`${address}/1`));
    expect(String(await server.say('INFO', 'keyspace'))).toMatch(/db1:/);
    expect(String(await server.say('INFO', 'keyspace'))).not.toMatch(/db0:/);
  }),
);

it.concurrent(
  'TLS with a private CA works if the CA is given; if not, a line says how to give it',
  withRedis(async ({ startRedis, startWorld, makeFolder }) => {
    const names = [{ type: 7 as const, ip: '127.0.0.1' }];
    const ca = await generate([{ name: 'commonName', value: 'a private CA' }], {
      keySize: 2_048,
      extensions: [
        { name: 'basicConstraints', cA: true },
        { name: 'keyUsage', keyCertSign: true },
      ],
    });
    const own = await generate([{ name: 'commonName', value: 'redis' }], {
      keySize: 2_048,
      ca: { key: ca.private, cert: ca.cert },
      extensions: [{ name: 'subjectAltName', altNames: names }],
    });
    const path = makeFolder();
    const files = { 'ca.pem': ca.cert, 'redis.pem': own.cert, 'redis.key': own.private };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
    const port = await findFreePort();
    await startRedis({
      'tls-port': String(port),
      'tls-cert-file': join(path, 'redis.pem'),
      'tls-key-file': join(path, 'redis.key'),
      'tls-ca-cert-file': join(path, 'ca.pem'),
      'tls-auth-clients': 'no',
    });
    const url = `rediss://127.0.0.1:${port}`;
    await expectEverythingWorks(await startWorld({ url, tls: { ca: ca.cert } }));
    const without = await startWorld(url);
    await expect(without.start()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(without.logs.server.find('warn', /NODE_EXTRA_CA_CERTS/)).toHaveLength(1);
  }),
);

it.concurrent.each([
  ['allkeys-lru', /accepted tasks may vanish.*noeviction/],
  ['volatile-ttl', /outcomes may vanish.*noeviction/],
])(
  'an eviction policy that could lose tasks %s causes one warning',
  withRedis(async ({ startRedis, startWorld }, policy, words) => {
    const server = await startRedis({ 'maxmemory-policy': policy });
    const world = await startWorld(server.url);
    await world.runOneTask(20_000);
    await server.say('CLIENT', 'KILL', 'TYPE', 'normal');
    await world.runOneTask(20_000);
    expect(world.logs.server.find('warn', words)).toHaveLength(1);
  }),
);
