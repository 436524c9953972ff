// `npx inloop dev` as a process: what it gives to the command, and that nothing is left when it ends, however it ends.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import type { StackFile } from '../../../cli/processes/state-folder.ts';
import { eventually } from '../../support/eventually.ts';
import { type InloopCommand, makeAdopter, runInloop, startInloop } from '../../support/processes/inloop-command.ts';
import { sayTo } from '../../support/redis/redis.ts';

// One start takes 2 s on an idle machine, 10 s on a busy one.
jest.setTimeout(60_000);

const adopters: { readonly path: string; remove(): void }[] = [];
const running: InloopCommand[] = [];

afterAll(async () => {
  for (const command of running) await command.stop(20_000);
  for (const adopter of adopters) adopter.remove();
});

function newAdopter(): string {
  const adopter = makeAdopter();
  adopters.push(adopter);
  return adopter.path;
}

async function startDev(cwd: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const command = await startInloop(['dev', ...args], cwd, env);
  running.push(command);
  return command;
}

const stackOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, '.inloop', 'stack.json'), 'utf8')) as StackFile;

/** Whether a process runs: by its state on Linux; elsewhere by signal 0, which only asks. */
function isRunning(pid: number): boolean {
  try {
    // A process that has ended and that nobody waits for stays in the list as a zombie.
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    try {
      return process.platform !== 'linux' && process.kill(pid, 0);
    } catch {
      return false;
    }
  }
}

/** A command that prints its process id, and ends with exit code 3 half a second after a signal. */
const LONG = [
  "for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => {",
  "  console.log('got ' + name);",
  '  setTimeout(() => process.exit(3), 500);',
  '});',
  'setInterval(() => {}, 1_000);',
  "console.log('pid ' + process.pid);",
].join('\n');

/** Starts `inloop dev` with {@link LONG} as the command. Resolves when the command runs. `pids`: the command, Redis and Soketi. */
async function startLong(folder: string) {
  const dev = await startDev(folder, ['--', process.execPath, '-e', LONG]);
  const pid = await eventually(() => /^pid (\d+)$/m.exec(dev.output())?.[1], { within: 40_000, that: 'the start' });
  const { redis, soketi } = stackOf(folder).services;
  return { dev, pids: [Number(pid), redis?.pid as number, soketi?.pid as number] };
}

const expectAllEnded = (pids: readonly number[]) =>
  eventually(() => pids.every((pid) => !isRunning(pid)), { within: 15_000, that: 'all processes to end' });

describe('inloop dev', () => {
  it.concurrent('gives the command the variables of parts that work, and ends with its exit code', async () => {
    const folder = newAdopter();
    const code = `
      const { REDIS_URL, PUSHER_HOST, PUSHER_PORT, PUSHER_CLUSTER, PUSHER_ENCRYPTION_KEY, OTHER } = process.env;
      fetch('http://' + PUSHER_HOST + ':' + PUSHER_PORT + '/ready').then((answer) => {
        console.log(JSON.stringify([REDIS_URL, answer.status, PUSHER_CLUSTER, PUSHER_ENCRYPTION_KEY, OTHER]));
        process.exit(7);
      });`;
    const { end, output } = await runInloop(['dev', '--', process.execPath, '-e', code], folder, {
      PUSHER_CLUSTER: 'eu',
      PUSHER_ENCRYPTION_KEY: 'kept',
      OTHER: 'kept, too',
    });
    expect(output).toMatch(/^\["redis:\/\/:[0-9a-f]{64}@127\.0\.0\.1:\d+",200,null,"kept","kept, too"\]$/m);
    expect(end).toBe('exit code 7');
  });

  it.concurrent('without a command prints the variables, and keeps them for others in a private file', async () => {
    const folder = newAdopter();
    const dev = await startDev(folder);
    await eventually(() => dev.output().includes('inloop: ready'), { within: 40_000, that: 'the start' });
    const file = join(folder, '.inloop', 'dev.env');
    const variables = readFileSync(file, 'utf8').trim();
    expect(dev.output()).toContain(variables);
    expect(variables.match(/^\w+/gm)).toEqual(
      'REDIS_URL PUSHER_APP_ID PUSHER_KEY PUSHER_SECRET PUSHER_HOST PUSHER_PORT PUSHER_TLS'.split(' '),
    );
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o077).toBe(0);
    // A second one in the same folder is refused, because it would use the data of the first.
    const second = await runInloop(['dev'], folder);
    expect(second).toMatchObject({ end: 'exit code 1', output: expect.stringMatching(/runs here already/) });
    // Many try to start their server with one `inloop dev` and their worker with another. The second one says what to do instead.
    const start = `node --env-file=${file} worker.js`;
    expect(second.output).toContain(`For another program that uses it: ${start}.`);
    const pids = Object.values(stackOf(folder).services).map(({ pid }) => pid);
    dev.signal('SIGINT');
    expect(await dev.end).toBe('exit code 0');
    await expectAllEnded(pids);
  });

  it.concurrent.each(['SIGINT', 'SIGTERM'] as const)(
    'passes a %s on to the command, which did not get it itself, waits for its end, and ends all',
    async (name) => {
      const { dev, pids } = await startLong(newAdopter());
      dev.signal(name);
      expect(await dev.end).toBe('exit code 3');
      expect(dev.output()).toContain(`got ${name}`);
      await expectAllEnded(pids);
    },
  );

  it.concurrent('leaves nothing behind when it is killed', async () => {
    const { dev, pids } = await startLong(newAdopter());
    dev.signal('SIGKILL');
    expect(await dev.end).toBe('SIGKILL');
    await expectAllEnded(pids);
  });

  it.concurrent('keeps ports, secrets and the data of Redis from one run to the next', async () => {
    const folder = newAdopter();
    const first = await startLong(folder);
    const { port, password } = stackOf(folder).services.redis ?? {};
    await sayTo(port as number, ['SET', 'kept', 'data'], password);
    first.dev.signal('SIGTERM');
    await first.dev.end;
    const { dev } = await startLong(folder);
    expect(stackOf(folder).services.redis).toMatchObject({ port, password });
    expect(await sayTo(port as number, ['GET', 'kept'], password)).toBe('data');
    dev.signal('SIGTERM');
    await dev.end;
  });

  it.concurrent.each([
    [['--', 'no-such-program'], 'could not start no-such-program'],
    [['--port', '99999'], '--port must be a whole number from 1 to 65535'],
    [['--webhook', 'here'], '--webhook must be a URL'],
    [['--redis', 'http://localhost'], '--redis'],
    [['--nonsense'], 'Usage: inloop dev'],
  ])('refuses %j in a line that says why', async (args, why) => {
    const { end, output } = await runInloop(['dev', ...args], newAdopter());
    expect(end).toBe('exit code 1');
    expect(output).toContain(why);
    expect(output).not.toMatch(/^ +at /m);
  });
});
