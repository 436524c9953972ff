// `npm start` as a process: what it starts, says and keeps, and that it leaves nothing running. Stand-ins take the place of server
// and worker where a test is about the stack around them.
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createClient } from '@redis/client';
import { pingRedis } from '../../cli/parts/redis.ts';
import type { StackFile } from '../../cli/processes/state-folder.ts';
import { REPOSITORY } from '../../dev/paths.ts';
import { eventually } from '../support/eventually.ts';
import { startStack, type TestStack } from '../support/processes/stack.ts';

const STAND_IN = join(REPOSITORY, 'test', 'support', 'processes', 'stand-in.mjs');
const args = ['--server', STAND_IN, '--worker', STAND_IN];
/** The stack builds nothing. `beforeAll` builds dev/ only, so that these tests run even when another house does not compile. */
const env = { INLOOP_BUILT: '1' };
// Windows has no modes of files.
const onUnix = process.platform === 'win32' ? it.skip : it;
const NAMES = ['redis', 'soketi', 'server', 'worker'];

let dir: string;
const running: TestStack[] = [];
/** Clients that are closed after each test. One that reconnects for ever would keep Jest from ending. */
const clients: { destroy(): void }[] = [];

beforeAll(() => {
  execFileSync(process.execPath, [join(REPOSITORY, 'node_modules/typescript/bin/tsc'), '-b', join(REPOSITORY, 'dev')]);
});

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'inloop-dir-'));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const stack of running.splice(0)) await stack.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function start(): Promise<TestStack> {
  const stack = await startStack({ dir, args, env });
  running.push(stack);
  return stack;
}

async function connectRedis(services: StackFile['services']) {
  const client = createClient({ url: services.redis?.url as string });
  client.on('error', () => {});
  clients.push(client);
  return client.connect();
}

/** Runs `dev/start.mjs` to its end. @param over replaces variables of its environment */
function runToEnd(over: NodeJS.ProcessEnv, ownArgs = args): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(REPOSITORY, 'dev', 'start.mjs'), ...ownArgs], {
      env: { ...process.env, ...env, PORT: '0', INLOOP_DIR: dir, ...over },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        output += String(data);
      });
    }
    child.once('close', (code) => resolve({ code, output }));
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie takes signals, but is not alive.
    return process.platform !== 'linux' || !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function isReady(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
}

describe('the local stack', () => {
  it('says ready once, names every service in stack.json, and ends all of it on SIGTERM with exit code 0', async () => {
    const stack = await start();
    expect(stack.lines.filter((line) => line.startsWith('ready '))).toEqual([`ready ${stack.url}`]);
    expect(stack.url).toMatch(/^http:\/\/localhost:\d+$/);
    const services = stack.services();
    expect(Object.keys(services)).toEqual(NAMES);
    for (const { pid, host } of Object.values(services)) {
      expect(host).toBe('127.0.0.1');
      expect(isAlive(pid)).toBe(true);
    }
    expect(stack.url).toBe(`http://localhost:${services.server?.port}`);
    expect(await (await fetch(stack.url)).json()).toEqual({
      REDIS_URL: services.redis?.url,
      PUSHER_HOST: '127.0.0.1',
      PUSHER_PORT: String(services.soketi?.port),
      PUSHER_TLS: 'false',
      DATA_DIR: join(dir, 'data'),
      HOST: '127.0.0.1',
    });

    expect(await stack.stop()).toBe('exit code 0');
    for (const { pid } of Object.values(services)) expect(isAlive(pid)).toBe(false);
    expect(readdirSync(dir)).not.toContain('stack.json');
    // Redis ends last, because the others may still write.
    const order = ['drained', 'server is closing', 'Received SIGTERM', 'bye bye'].map((text) =>
      stack.lines.findLastIndex((l) => l.includes(text)),
    );
    expect(order).toEqual([...order].sort((a, b) => a - b));
  }, 60_000);

  onUnix(
    'keeps what lies in its folder, and what Redis knows, from everybody else on the machine',
    async () => {
      // An earlier version left the file readable for others.
      chmodSync(dir, 0o755);
      mkdirSync(join(dir, 'data'), { mode: 0o755 });
      const app = { appId: 'a1', key: 'a2', secret: 'a3' };
      writeFileSync(join(dir, 'credentials.json'), JSON.stringify({ app, sessionSecret: 'kept from before' }), {
        mode: 0o644,
      });
      const stack = await startStack({ dir, env });
      running.push(stack);
      const signedIn = await fetch(`${stack.url}/session`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{"user":"ada"}',
      });
      expect(signedIn.status).toBe(200);
      const open = readdirSync(dir, { recursive: true, withFileTypes: true })
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => existsSync(path) && (statSync(path).mode & 0o077) !== 0);
      expect([open, statSync(dir).mode & 0o777]).toEqual([[], 0o700]);
      expect(JSON.parse(readFileSync(join(dir, 'credentials.json'), 'utf8'))).toMatchObject({
        app,
        sessionSecret: 'kept from before',
      });

      const { redis } = stack.services();
      const port = redis?.port as number;
      expect([await pingRedis(port), await pingRedis(port, 'guessed'), await pingRedis(port, redis?.password)]).toEqual(
        [false, false, true],
      );
      expect(redis?.url).toBe(`redis://:${redis?.password}@127.0.0.1:${port}`);
      expect(await (await connectRedis(stack.services())).ping()).toBe('PONG');
      // Other users of the machine can read arguments and output.
      const commands = execFileSync('ps', ['-A', '-o', 'args']).toString();
      expect(commands + stack.lines.join('\n')).not.toContain(redis?.password);
    },
    120_000,
  );

  it('runs the demo', async () => {
    const stack = await startStack({ dir });
    running.push(stack);
    expect((await fetch(`${stack.url}/`)).headers.get('content-type')).toMatch('text/html');
    for (const name of ['server', 'worker']) expect(await isReady(stack.services()[name]?.port as number)).toBe(true);
  }, 120_000);

  it('ends everything when SIGTERM goes to npm, which then ends with exit code 0', async () => {
    const npm = spawn('npm', ['start', '--', ...args], {
      cwd: REPOSITORY,
      env: { ...process.env, ...env, PORT: '0', INLOOP_DIR: dir },
    });
    let output = '';
    npm.stdout.on('data', (data) => {
      output += String(data);
    });
    const ended = new Promise((resolve) => npm.once('close', resolve));
    await eventually(() => expect(output).toMatch(/^ready /m), { within: 30_000 });
    const { services } = JSON.parse(readFileSync(join(dir, 'stack.json'), 'utf8')) as StackFile;
    npm.kill('SIGTERM');
    expect(await ended).toBe(0);
    for (const { pid } of Object.values(services)) expect(isAlive(pid)).toBe(false);
  }, 60_000);

  it('treats two SIGINTs of one Ctrl-C, from the terminal and from npm, as one', async () => {
    const stack = await start();
    process.kill(stack.pid, 'SIGINT');
    // Wait a moment: the system merges two equal signals that are pending.
    await eventually(() => expect(stack.lines.join()).toContain('ending everything'), { every: 1 });
    process.kill(stack.pid, 'SIGINT');
    await eventually(() => expect(stack.lines.at(-1)).toMatch('bye bye'), { that: 'Redis to end in good order' });
    expect(await stack.stop()).toBe('exit code 0');
  }, 60_000);

  it('starts a killed service again on its port, and Redis with its data', async () => {
    const stack = await start();
    const before = stack.services();
    const client = await connectRedis(before);
    await client.set('accepted', 'task');
    for (const name of NAMES) process.kill(before[name]?.pid as number, 'SIGKILL');
    const after = await eventually(
      () => {
        const now = stack.services();
        return NAMES.every((name) => now[name]?.pid !== before[name]?.pid) && now;
      },
      { within: 20_000, that: 'four new processes in stack.json' },
    );
    for (const name of NAMES) expect(after[name]?.port).toBe(before[name]?.port);
    await eventually(async () => expect(await isReady(after.server?.port as number)).toBe(true), { within: 10_000 });
    expect(await client.get('accepted')).toBe('task');
  }, 60_000);

  it('keeps its credentials and the data of Redis from one run to the next', async () => {
    const first = await start();
    const credentials = readFileSync(join(dir, 'credentials.json'), 'utf8');
    await (await connectRedis(first.services())).set('kept', 'yes');
    await first.stop();
    const second = await start();
    expect(await (await connectRedis(second.services())).get('kept')).toBe('yes');
    expect(readFileSync(join(dir, 'credentials.json'), 'utf8')).toBe(credentials);
  }, 60_000);

  it('says in one line that it is already running', async () => {
    const stack = await start();
    const { code, output } = await runToEnd({});
    expect(code).toBe(1);
    expect(output.trim().split('\n')).toEqual([
      expect.stringMatching(/^inloop: A stack runs here already \(process \d+, /),
    ]);
    expect(output).toContain(stack.url);
    expect(await isReady(stack.services().server?.port as number)).toBe(true);
  }, 60_000);

  it('ends what a killed supervisor left behind when it starts again', async () => {
    const first = await start();
    const left = Object.values(first.services());
    await first.kill();
    running.length = 0;
    const stillThere = left.filter(({ pid }) => isAlive(pid));
    expect(stillThere).not.toHaveLength(0);
    const second = await start();
    for (const { pid } of left) expect(isAlive(pid)).toBe(false);
    expect(Object.keys(second.services())).toEqual(NAMES);
  }, 60_000);

  it('says in one line that its port is taken, and leaves nothing running', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, output } = await runToEnd({ PORT: String(port) });
    other.close();
    expect(code).toBe(1);
    expect(output.trim()).toBe(
      `inloop: Port ${port} is taken. End what listens there, or choose another: PORT=${port + 1} npm start`,
    );
    expect(readdirSync(dir)).not.toContain('lock.json');
  }, 60_000);

  it.each([
    ['a PORT that is no port', { PORT: 'http' }, args, 'PORT must be a whole number'],
    ['a script that is not there', {}, ['--server', '/nowhere.js'], 'There is no /nowhere.js'],
    ['Redis missing, with INLOOP_NO_INSTALL', { PATH: '/nowhere', INLOOP_NO_INSTALL: '1' }, args, 'Redis is missing'],
  ])('says in one line what to do about %s', async (_what, over, ownArgs, message) => {
    const { code, output } = await runToEnd(over, ownArgs);
    expect(code).toBe(1);
    expect(output.trim().split('\n')).toEqual([expect.stringContaining(message)]);
  });

  it('says which service does not start, ends the others and exits 1', async () => {
    const { code, output } = await runToEnd({}, [
      '--server',
      STAND_IN,
      '--worker',
      join(REPOSITORY, 'jest.config.mjs'),
    ]);
    expect(code).toBe(1);
    expect(output).toMatch(
      /^inloop: worker ended \(exit code 0\) before it was ready\. See the lines of "worker" above\.$/m,
    );
    expect(output).toContain('bye bye');
    expect(readdirSync(dir)).not.toContain('processes.json');
  }, 60_000);
});
