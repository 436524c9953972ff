import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { startRedis, type TestRedis } from '../../test/support/redis/redis.ts';
import { startRedisProxy } from '../../test/support/redis/redis-proxy.ts';
import { parseRedisAddress } from './address.ts';
import { Connection } from './connection.ts';
import { ClosedError } from './fault.ts';

jest.setTimeout(30_000);

let redis: TestRedis;
let connection: Connection<Record<never, never>>;
let faults: unknown[];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(() => {
  faults = [];
});
afterEach(() => connection.close());

/** Makes `connection`. `prepare` runs on each new connection before it is used. */
function connect(url: string, prepare?: () => Promise<void>): void {
  connection = new Connection({
    address: parseRedisAddress(url),
    scripts: {},
    ...(prepare ? { prepare } : {}),
    onFault: (error) => faults.push(error),
  });
}

/** Sends a PING, which waits for at most `patience` ms. */
const ping = (patience = 2_000) => connection.run((client) => client.sendCommand(['PING']), patience);

describe('a connection', () => {
  it('is made when it is wanted, and used by all who wait for it', async () => {
    const proxy = await startRedisProxy(redis.port);
    connect(proxy.url);
    expect(proxy.made).toBe(0);
    expect(await Promise.all([ping(), ping(), ping()])).toEqual(['PONG', 'PONG', 'PONG']);
    expect(proxy.made).toBe(1);
    await proxy.close();
  });

  it('writes a burst of commands at once, so that they need no more turns of a busy event loop', async () => {
    connect(redis.url);
    await ping();
    const text = 'x'.repeat(900);
    let turns = 0;
    let isOver = false;
    const echo = () => connection.run((client) => client.sendCommand(['ECHO', text]), 2_000);
    const all = Promise.all(Array.from({ length: 1_000 }, echo)).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      turns += 1;
      // Long enough for Redis to answer all of it.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
      await setImmediate();
    }
    expect(new Set(await all)).toEqual(new Set([text]));
    // With Node's own buffer it takes more than 50 turns; from Node 22 on, 14.
    expect(turns).toBeLessThan(10);
  });

  it('that is refused again and again is tried about once a second, and each command meanwhile fails at once', async () => {
    let tries = 0;
    connect(redis.url, async () => {
      tries += 1;
      throw new Error('READONLY');
    });
    await expect(ping(300)).rejects.toThrow('not connected');
    const began = performance.now();
    await eventually(() => performance.now() - began > 4_000, { within: 6_000 });
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(16);
  });

  it('to a server that is too full for another client heals when there is room', async () => {
    const clients: Connection<Record<never, never>>[] = [];
    connect(redis.url);
    await ping();
    await redis.say('CONFIG', 'SET', 'maxclients', '2');
    try {
      for (let n = 0; n < 3; n++) {
        const one = new Connection({
          address: parseRedisAddress(redis.url),
          scripts: {},
          prepare: async (client) => void (await client.sendCommand(['PING'])),
          onFault: (error) => faults.push(error),
        });
        clients.push(one);
        void one.whenUsable();
      }
      await eventually(() => faults.length > 0);
      // Only a client that is connected already can raise the limit.
      await connection.run((client) => client.sendCommand(['CONFIG', 'SET', 'maxclients', '100']), 2_000);
      for (const one of clients) await eventually(() => one.run((client) => client.sendCommand(['PING']), 1_000));
    } finally {
      for (const one of clients) one.close();
    }
    expect(faults.map(String).filter((text) => /TypeError/.test(text))).toEqual([]);
  });
});

describe('a connection that is closed', () => {
  let silent: Server;
  let sockets: Socket[];
  beforeEach(async () => {
    sockets = [];
    silent = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      socket.resume();
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it('while it is being made, lets go at once', async () => {
    connect(`redis://:secret@127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const pinging = ping(10_000);
    pinging.catch(() => undefined);
    const socket = await eventually(() => sockets[0]);
    const gone = new Promise((resolve) => socket.once('close', resolve));
    connection.close();
    await expect(pinging).rejects.toThrow(ClosedError);
    await expect(ping()).rejects.toThrow(ClosedError);
    await gone;
    expect(faults).toEqual([]);
  });

  it('reports no failure any more', async () => {
    connect(redis.url);
    await ping();
    connection.close();
    await expect(ping()).rejects.toThrow(ClosedError);
    expect(faults).toEqual([]);
  });
});
