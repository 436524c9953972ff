// The Redis and the Soketi that tests start: they listen on loopback only, keep their ports, and survive being killed. And the
// function that waits for states.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient } from '@redis/client';
import Pusher from 'pusher';
import { claimPort, findFreePort } from '../../cli/processes/ports.ts';
import { startSoketi, type TestSoketi } from './bus/soketi/soketi.ts';
import { eventually } from './eventually.ts';
import { startRedis, type TestRedis } from './redis/redis.ts';

/** The local addresses, as the kernel prints them, of all sockets on which a process listens. */
function listListeners(pid: number): string[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(
        // 0A: a TCP socket that listens. 07: a UDP socket.
        ([, , , state, , , , , , inode]) => /^(0A|07)$/.test(state ?? '') && sockets.includes(`socket:[${inode}]`),
      )
      .map(([, address]) => `${table} ${address?.split(':')[0]}`),
  );
}
const LOOPBACK_ONLY = /^(tcp|udp) 0100007F$/;
// Only Linux has /proc. The settings are the same on other systems.
const onLinux = process.platform === 'linux' ? it : it.skip;

describe('a Redis that a test starts', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  const connect = () => createClient({ url: redis.url }).connect();
  const withClient = async <T>(use: (client: Awaited<ReturnType<typeof connect>>) => Promise<T>): Promise<T> => {
    const client = await connect();
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  };

  onLinux('listens on loopback only', () => {
    expect(listListeners(redis.pid)).toEqual([expect.stringMatching(LOOPBACK_ONLY)]);
  });

  it('keeps acknowledged writes through a SIGKILL', async () => {
    await withClient((client) => client.set('kept', 'yes'));
    const before = redis.pid;
    await redis.kill();
    await redis.restart();
    expect(redis.pid).not.toBe(before);
    expect(await withClient((client) => client.get('kept'))).toBe('yes');
  });

  it('has no data after a restart with wipe', async () => {
    await withClient((client) => client.set('kept', 'yes'));
    await redis.restart({ wipe: true });
    expect(await withClient((client) => client.get('kept'))).toBeNull();
  });
});

describe('a Soketi that a test starts', () => {
  let soketi: TestSoketi;
  beforeAll(async () => {
    soketi = await startSoketi();
  }, 30_000);
  afterAll(() => soketi.stop());

  onLinux('listens on loopback only: clients, metrics and discovery', () => {
    const listeners = listListeners(soketi.pid);
    expect(listeners).toHaveLength(3);
    for (const listener of listeners) expect(listener).toMatch(LOOPBACK_ONLY);
  });

  it('does not start on a port that is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(startSoketi({ port })).rejects.toThrow(`port ${port}: it is taken`);
    await expect(startSoketi({ port: soketi.pusher.port })).rejects.toThrow('is taken');
    other.close();
  }, 30_000);

  it('does not share its port: of two started at the same moment, one fails and says why', async () => {
    const claim = await claimPort();
    const both = await Promise.allSettled([startSoketi({ port: claim.port }), startSoketi({ port: claim.port })]);
    const up = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failures = both.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
    for (const one of up) await one.stop();
    claim.release();
    expect(failures).toEqual([expect.stringContaining(`port ${claim.port}: it is taken`)]);
  }, 30_000);

  it('keeps its port while it is killed and not yet restarted', async () => {
    const { port } = soketi.pusher;
    await soketi.kill();
    await expect(claimPort(port, port)).rejects.toThrow('free');
    // The system does not give the port to others either: it picks higher ports.
    expect(await findFreePort()).toBeGreaterThan(32_000);
    await soketi.restart();
    expect(soketi.pusher.port).toBe(port);
  }, 30_000);

  it('takes events before and after a restart on the same port', async () => {
    const { port, ...options } = soketi.pusher;
    const publisher = new Pusher({ ...options, port: String(port) });
    expect((await publisher.trigger('room', 'hello', { n: 1 })).status).toBe(200);
    await soketi.kill();
    await expect(publisher.trigger('room', 'hello', { n: 2 })).rejects.toThrow();
    await soketi.restart();
    expect((await publisher.trigger('room', 'hello', { n: 3 })).status).toBe(200);
  }, 30_000);
});

describe('eventually', () => {
  it('returns the first truthy value', async () => {
    let looks = 0;
    expect(await eventually(() => ++looks > 2 && looks, { every: 1 })).toBe(3);
  });

  it('waits for a find() that has no match yet, and for expectations that do not hold yet', async () => {
    const list: number[] = [];
    setTimeout(() => list.push(7), 30);
    expect(await eventually(() => list.find((n) => n === 7), { every: 1 })).toBe(7);
    await eventually(() => {
      expect(list).toContain(7);
    });
    await expect(eventually(() => undefined, { within: 5 })).rejects.toThrow('last seen: undefined');
  });

  it('says what it waited for and what it saw last', async () => {
    await expect(eventually(() => 0, { within: 5, that: 'a number' })).rejects.toThrow(
      'Waited 5 ms for a number; last seen: 0',
    );
    await expect(eventually(() => expect(1).toBe(2), { within: 5 })).rejects.toThrow(/Waited 5 ms.*toBe/s);
  });
});
