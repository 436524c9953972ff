// `npx inloop soketi` as a process: its ready line, what it refuses, and that it keeps Soketi running.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { claimPort, findFreePort, findFreeUdpPort, isPortFree } from '../../../cli/processes/ports.ts';
import { installCommands } from '../../../soketi/find-soketi.ts';
import { createPusherApp, probeSoketi } from '../../../soketi/pusher-app.ts';
import { eventually } from '../../support/eventually.ts';
import { type InloopCommand, makeAdopter, runInloop, startInloop } from '../../support/processes/inloop-command.ts';

jest.setTimeout(60_000);

const app = createPusherApp();
let adopter: ReturnType<typeof makeAdopter>;
const running: InloopCommand[] = [];

beforeAll(() => {
  adopter = makeAdopter();
});

afterAll(async () => {
  for (const command of running) await command.stop(10_000);
  adopter.remove();
});

async function settingsFor(host: string, port: number): Promise<Record<string, string>> {
  return {
    PUSHER_APP_ID: app.appId,
    PUSHER_KEY: app.key,
    PUSHER_SECRET: app.secret,
    SOKETI_HOST: host,
    SOKETI_PORT: String(port),
    SOKETI_METRICS_SERVER_PORT: String(await findFreePort()),
    SOKETI_CLUSTER_PORT: String(await findFreeUdpPort()),
  };
}

async function startReady(host: string, port: number): Promise<InloopCommand> {
  const command = await startInloop(['soketi'], adopter.path, await settingsFor(host, port));
  running.push(command);
  const line = `ready http://${host}:${port}`;
  await eventually(() => command.output().split('\n').includes(line), { within: 40_000, that: 'the ready line' });
  return command;
}

/** Kills the Soketi that a command has started. */
async function killSoketi(command: InloopCommand): Promise<void> {
  const { stdout } = await promisify(execFile)('pgrep', ['-P', String(command.pid)]);
  process.kill(Number(stdout.trim()), 'SIGKILL');
}

describe('inloop soketi', () => {
  it.concurrent('says when it is ready, starts Soketi again when that has ended, and ends it on SIGTERM', async () => {
    const { port, release } = await claimPort();
    const command = await startReady('127.0.0.1', port);
    expect(await probeSoketi(port, app)).toBe(true);
    await killSoketi(command);
    await eventually(() => command.output().includes('Soketi is back.'), { within: 40_000 });
    expect(await probeSoketi(port, app)).toBe(true);
    command.signal('SIGTERM');
    expect(await command.end).toBe('exit code 0');
    await expect(probeSoketi(port, app)).rejects.toThrow();
    expect(command.output()).not.toContain(app.secret);
    release();
  });

  it.concurrent('leaves no Soketi behind when it is killed', async () => {
    const { port, release } = await claimPort();
    const command = await startReady('127.0.0.1', port);
    command.signal('SIGKILL');
    await eventually(() => isPortFree(port), { within: 10_000, that: 'Soketi to end' });
    release();
  });

  // 127.0.0.2 stands for an address of this machine other than 127.0.0.1. Linux takes all of 127.0.0.0/8, other systems do not.
  const others = process.platform === 'linux' ? [['127.0.0.2', '127.0.0.2'] as const] : [];
  it.concurrent.each([['127.0.0.1', '127.0.0.1'], ['127.0.0.1', '0.0.0.0'], ...others] as const)(
    'where %s has the port already, refuses to listen on %s',
    async (first, second) => {
      const server = createServer().listen(0, first);
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const { end, output } = await runInloop(['soketi'], adopter.path, await settingsFor(second, port));
      server.close();
      expect(end).toBe('exit code 1');
      expect(output).toMatch(new RegExp(`^inloop: Cannot listen on ${second}, port ${port}: it is taken`));
    },
  );

  it.concurrent('names everything that is unsafe or missing in its settings, in a line each, without a secret', async () => {
    const { end, output } = await runInloop(['soketi'], adopter.path, {
      PUSHER_APP_ID: 'app1',
      PUSHER_SECRET: 'hush-hush',
      SOKETI_DEBUG: '1',
      SOKETI_PORT: 'http',
    });
    expect(end).toBe('exit code 1');
    expect(output.split('\n').map((line) => /^inloop: (\w+)/.exec(line)?.[1])).toEqual([
      'PUSHER_KEY',
      'PUSHER_SECRET',
      'SOKETI_DEBUG',
      'SOKETI_PORT',
    ]);
    expect(output).not.toContain('hush-hush');
  });

  it.concurrent('names the command that installs Soketi, where there is none', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'inloop-empty-'));
    const { end, output } = await runInloop(['soketi'], empty, await settingsFor('127.0.0.1', 1));
    rmSync(empty, { recursive: true });
    expect({ end, output }).toEqual({
      end: 'exit code 1',
      output: `inloop: Soketi is not installed. Install it with: ${installCommands()}`,
    });
  });
});
