// `npx inloop dev`: Redis and hardened Soketi for the application in the current folder. Their addresses go to the command
// behind `--`, or are printed.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readArguments, readPort } from '../arguments.ts';
import { toEnvLines, withoutPusher } from '../parts/variables.ts';
import { Guard } from '../processes/guard.ts';
import { endWithProcess } from '../processes/lifetime.ts';
import { StateFolder } from '../processes/state-folder.ts';
import { type Service, Supervisor } from '../processes/supervisor.ts';
import { type RunningCommand, startCommand } from './command.ts';
import { prepareParts } from './dev-parts.ts';

const USAGE = `Usage: inloop dev [options] [-- command…]

Starts Redis and hardened Soketi on free ports of this machine, and runs the command with the variables that lead there.
Without a command it prints the variables and stays. Ctrl-C ends all of it. Data are kept in .inloop/. More programs use
the same parts with the variables in .inloop/dev.env: node --env-file=.inloop/dev.env worker.js

  --redis URL     use this Redis instead of starting one
  --port N        port of Soketi (default: a free one, the same again next time)
  --webhook URL   the application's webhook (default: http://127.0.0.1:<PORT, or 3000>/tasks/webhook)
  --verbose       show what Redis and Soketi say

INLOOP_DIR names another folder than .inloop. With INLOOP_NO_INSTALL=1 what is missing is named and not installed.`;

/** Milliseconds for the command to end after it was asked to. */
const COMMAND_GRACE_MS = 30_000;
/** Milliseconds that the guard gives a service to end. Redis has as long when the supervisor ends it. */
const SERVICE_GRACE_MS = 10_000;

/** @returns the exit code of the command */
export async function runDev(args: string[]): Promise<number> {
  const request = readDevArguments(args);
  if (request === null) return 0;
  const { words, redis, port, webhook, verbose } = request;

  // Files of this process and its children are private to their owner; those of the command are its own affair.
  const umask = process.umask(0o077);
  const state = await openStateFolder();
  const { groups, variables } = await prepareParts({
    project: process.cwd(),
    folder: state.path,
    redis,
    port: port === undefined ? null : readPort('--port', port),
    webhook,
  });

  const { supervisor, guard, stopServices } = createServices(groups, state, verbose);
  let command: RunningCommand | null = null;
  const lifetime = endWithProcess({
    async stop(signal) {
      const code = command === null ? 0 : await endCommand(command, signal);
      await stopServices();
      return code;
    },
    kill() {
      command?.signal('SIGKILL');
      supervisor.kill();
    },
    say: (why) => say(command === null ? `${why}, ending Redis and Soketi` : `${why}, ending everything`),
  });
  await supervisor.start().catch(async (error: unknown) => {
    if (lifetime.isEnding) return;
    await stopServices();
    throw error;
  });
  if (lifetime.isEnding) return waitForExit();

  state.publish({ url: null, services: supervisor.addresses() });
  writeFileSync(state.envFile, toEnvLines(variables), { mode: 0o600 });
  const another = `For another terminal: node --env-file=${state.envFile}`;
  if (words.length === 0) {
    process.stdout.write(toEnvLines(variables));
    say(`ready. ${another} server.js (Ctrl-C ends Redis and Soketi)`);
    return waitForExit();
  }
  say(`Redis and Soketi are ready, running ${words.join(' ')}. ${another} worker.js`);
  process.umask(umask);
  try {
    command = await startCommand(words, { ...withoutPusher(process.env), ...variables });
  } catch (error) {
    await stopServices();
    throw error;
  }
  guard.add('command', { pid: command.pid, isGroup: command.isGroup, graceMs: COMMAND_GRACE_MS });
  const code = await command.ended;
  if (lifetime.isEnding) return waitForExit();
  await stopServices();
  return code;
}

/** What the arguments ask for; null when `--help` was asked for and has been printed. @throws CommandError */
function readDevArguments(args: string[]) {
  const split = args.includes('--') ? args.indexOf('--') : args.length;
  const kinds = { redis: 'string', port: 'string', webhook: 'string', verbose: 'boolean' } as const;
  const values = readArguments(args.slice(0, split), kinds, USAGE);
  if (values === null) return null;
  const { redis, port, verbose = false } = values;
  const webhook = values.webhook ?? `http://127.0.0.1:${process.env.PORT || 3000}/tasks/webhook`;
  return { words: args.slice(split + 1), redis, port, webhook, verbose };
}

/** Locks the state folder, and ends what a killed run has left running. @throws CommandError */
async function openStateFolder(): Promise<StateFolder> {
  const state = new StateFolder(resolve(process.env.INLOOP_DIR || '.inloop'));
  process.on('exit', () => state.release());
  await state.endOrphans();
  // Everything here is private, and is made again if it is missing. So none of it belongs in the application's repository.
  writeFileSync(join(state.path, '.gitignore'), '*\n');
  return state;
}

/** Makes a supervisor of the services, and a guard that ends them if this process is killed. Starts no service yet. */
function createServices(groups: Service[][], state: StateFolder, isVerbose: boolean) {
  const guard = new Guard();
  const supervisor = new Supervisor(groups, {
    line(name, text) {
      if (name === 'inloop' || isVerbose) say(text, name);
    },
    started(name, pid) {
      state.addProcess(name, pid);
      guard.add(name, { pid, isGroup: false, graceMs: SERVICE_GRACE_MS });
    },
    recovered: (name) => say(`${name} is back`),
  });
  const stopServices = async (): Promise<void> => {
    await supervisor.stop();
    guard.dismiss();
  };
  return { supervisor, guard, stopServices };
}

/** Never resolves: `endWithProcess` ends this process, with the exit code that `stop` resolves with. */
function waitForExit(): Promise<never> {
  return new Promise(() => {});
}

/** Passes a signal on and waits for the end. Resolves with the exit code. */
async function endCommand(command: RunningCommand, signal: NodeJS.Signals): Promise<number> {
  command.signal(signal);
  const timer = setTimeout(() => command.signal('SIGKILL'), COMMAND_GRACE_MS);
  const code = await command.ended;
  clearTimeout(timer);
  return code;
}

/** To standard error: standard output belongs to the variables, or to the command. */
function say(text: string, name = 'inloop'): void {
  const line = text.trim();
  if (line !== '') console.error(`${name}: ${line}`);
}
