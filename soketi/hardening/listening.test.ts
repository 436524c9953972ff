// Where Soketi listens, what it answers there, and how it starts on a taken port or with a bad setting.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Child, type Command, startChild } from '../../cli/processes/child.ts';
import { claimPort, findFreePort } from '../../cli/processes/ports.ts';
import { findNode20 } from '../../dev/setup/node20.ts';
import { soketiCommand } from '../../dev/stack/soketi.ts';
import { startScripted } from '../../test/support/bus/soketi/soketi-script.ts';
import { eventually } from '../../test/support/eventually.ts';
import { createPusherApp } from '../pusher-app.ts';

describe('what is for operators', () => {
  it('is answered on the metrics port only; whether Soketi is up is answered to everybody', async () => {
    const metricsPort = await findFreePort();
    const soketi = await startScripted('hardened', { METRICS_SERVER_PORT: String(metricsPort) });
    const get = (port: number, path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    for (const path of ['/accept-traffic', '/usage']) {
      const response = await get(metricsPort, path);
      expect([response.status, await response.json()]).toMatchObject([200, { memory: {} }]);
    }
    for (const path of ['/accept-traffic', '/usage', '/metrics']) {
      expect([path, (await get(soketi.port, path)).status]).toEqual([path, 404]);
    }
    for (const path of ['/', '/ready']) expect((await get(soketi.port, path)).status).toBe(200);
    await soketi.stop();
  }, 20_000);
});

describe('starting', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'inloop-soketi-'));
  });
  const children: Child[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  /** Starts a process, and ends it after the test if it still runs. */
  const start = async (command: Command): Promise<Child> => {
    const child = await startChild(command);
    children.push(child);
    return child;
  };

  const command = (port: number) =>
    soketiCommand({ node: findNode20() as string, app: createPusherApp(), port, folder });

  it.each([
    ['another program', null],
    ['a Soketi', 'hardened'],
    ['a Soketi that nobody hardened', 'plain'],
  ] as const)(
    'on a port that is taken by %s ends in an error that names it',
    async (_who, kind) => {
      const server = createServer();
      const soketi = kind === null ? null : await startScripted(kind);
      if (soketi === null) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const port = soketi?.port ?? (server.address() as AddressInfo).port;
      const child = await start(await command(port));
      expect(await child.end).toBe('exit code 1');
      expect(child.lastLines.join('\n')).toContain(`Could not listen on port ${port}`);
      expect(child.lastLines.join('\n')).not.toContain('up and running');
      server.close();
      await soketi?.stop();
    },
    20_000,
  );

  it('goes on without a metrics port that is taken, and says so; with metrics switched on it does not', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const metricsPort = (other.address() as AddressInfo).port;
    const first = await command((await claimPort()).port);
    const env = { ...first.env, SOKETI_METRICS_SERVER_PORT: String(metricsPort) };
    const child = await start({ ...first, env });
    await eventually(() => child.lastLines.join('\n').includes('up and running'), { within: 10_000 });
    expect(child.lastLines.join('\n')).toContain(`Could not listen on port ${metricsPort}, for /usage and /metrics`);
    await child.stop();
    const second = await start({ ...first, env: { ...env, SOKETI_METRICS_ENABLED: 'true' } });
    expect(await second.end).toBe('exit code 1');
    other.close();
  }, 30_000);

  it.each([
    ['INLOOP_SOKETI_CHANNELS', 'private-user-*,née'],
    ['INLOOP_SOKETI_SUBSCRIPTIONS', '0'],
    ['INLOOP_SOKETI_SUBSCRIPTIONS', 'many'],
  ])('with a bad %s ends in a line that names it', async (name, value) => {
    const { env, ...rest } = await command((await claimPort()).port);
    const child = await start({ ...rest, env: { ...env, [name]: value } });
    expect(await child.end).toBe('exit code 1');
    expect(child.lastLines).toEqual([expect.stringContaining(name)]);
  });
});
