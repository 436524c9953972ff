// Several Soketi joined by a Redis that goes away, with our preload.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startChild, waitUntilReady } from '../../cli/processes/child.ts';
import { findFreePort } from '../../cli/processes/ports.ts';
import { findNode20 } from '../../dev/setup/node20.ts';
import { soketiCommand } from '../../dev/stack/soketi.ts';
import { event } from '../../test/support/bus/soketi/soketi-pair.ts';
import { startScripted } from '../../test/support/bus/soketi/soketi-script.ts';
import { eventually } from '../../test/support/eventually.ts';
import { startRedis, type TestRedis } from '../../test/support/redis/redis.ts';
import { createPusherApp, probeSoketi } from '../pusher-app.ts';

describe('two nodes', () => {
  let redis: TestRedis;
  let folder: string;
  const app = createPusherApp();
  const settings = () => ({ ADAPTER_DRIVER: 'redis', DB_REDIS_HOST: '127.0.0.1', DB_REDIS_PORT: String(redis.port) });
  beforeAll(async () => {
    redis = await startRedis();
    folder = mkdtempSync(join(tmpdir(), 'inloop-soketi-'));
  }, 30_000);
  afterAll(async () => {
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('outlive an outage of their Redis, and their clients learn that they may have missed something', async () => {
    const [here, there] = await Promise.all([
      startScripted('hardened', settings(), app),
      startScripted('hardened', settings(), app),
    ]);
    const client = await here.open();
    await client.enter('room');
    await there.call('POST', '/events', event());
    await client.next(0, (message) => message.event === 'news');
    await redis.kill();
    for (let n = 0; n < 5; n++) expect((await there.call('POST', '/events', event())).status).toBe(200);
    await redis.restart();
    await eventually(() => client.socket.closed, { within: 10_000, that: 'the client to be told to connect again' });
    expect(client.socket.messages.at(-1)).toMatchObject({ event: 'pusher:error', data: { code: 4_200 } });
    const again = await here.open();
    await again.enter('room');
    const before = again.socket.messages.length;
    await there.call('POST', '/events', event({ data: '"after"' }));
    expect(await again.next(before, (message) => JSON.stringify(message).includes('after'))).toBeTruthy();
    await Promise.all([here.stop(), there.stop()]);
  }, 40_000);

  it('end when they are told to, while their Redis is away', async () => {
    const port = await findFreePort();
    const command = await soketiCommand({ node: findNode20() as string, app, port, folder });
    for (const [name, value] of Object.entries(settings())) command.env[`SOKETI_${name}`] = value;
    const child = await startChild(command);
    await waitUntilReady('Soketi', child, () => probeSoketi(port, app));
    await redis.kill();
    child.signal('SIGTERM');
    // Jest's limit for this test ends it if this waits for ever.
    expect(await child.end).toMatch(/^exit code [01]$/);
  }, 20_000);
});
