// Which sentinel `findPrimary` believes when one of them does not know the primary. Real sentinels, which watch a real Redis.
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { sayTo, startRedis, type TestRedis } from '../../test/support/redis/redis.ts';
import { PRIMARY_NAME, startSentinel, type TestSentinel } from '../../test/support/redis/sentinel.ts';
import { parseRedisAddress } from './address.ts';
import { findPrimary } from './sentinel.ts';

jest.setTimeout(30_000);

/** Once one sentinel has named a primary, `findPrimary` waits 250 ms for the others, and otherwise 1 s. This is in between. */
const SLOW_MS = 350;

let redis: TestRedis;
let informed: TestSentinel;
let ignorant: TestSentinel;
/** A proxy to `informed` that delays each connection by `SLOW_MS`. */
let slowWay: Server;

beforeAll(async () => {
  redis = await startRedis();
  [informed, ignorant] = await Promise.all([startSentinel(redis.port), startSentinel(redis.port)]);
  await sayTo(ignorant.port, ['SENTINEL', 'REMOVE', PRIMARY_NAME]);
  slowWay = createServer(async (near) => {
    near.on('error', () => undefined);
    await delay(SLOW_MS);
    const far = connect(informed.port, '127.0.0.1');
    near.on('close', () => far.destroy());
    near
      .pipe(far)
      .on('error', () => near.destroy())
      .pipe(near);
  });
  await new Promise<void>((resolve) => slowWay.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await Promise.all([informed.stop(), ignorant.stop()]);
  await redis.stop();
  slowWay.close();
});

/** Asks the sentinels on these ports for the primary. */
const find = (...ports: readonly number[]) => {
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',');
  return findPrimary(parseRedisAddress(`redis+sentinel://${hosts}/${PRIMARY_NAME}`));
};

describe('a sentinel that does not know the primary', () => {
  it.each(['first', 'last'])('is not believed while another one may know it, even if it is asked %s', async (place) => {
    const { port } = slowWay.address() as AddressInfo;
    const ports = place === 'first' ? [ignorant.port, port] : [port, ignorant.port];
    // On a busy machine the slow one may take more than 1 s, and then nobody knows the primary. So it is asked again.
    await eventually(async () => expect((await find(...ports)).port).toBe(redis.port), { within: 20_000 });
  });

  it('is believed if no other one answers', async () => {
    await expect(find(ignorant.port, 1)).rejects.toThrow('know no primary called "main"');
  });
});
