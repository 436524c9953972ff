// `npm start`, once everything is installed and built: runs the local stack until a signal ends it.
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findRedisServer } from '../../cli/parts/redis.ts';
import { requireSystemPart } from '../../cli/parts/system-packages.ts';
import { Problem, runMain } from '../../cli/problem.ts';
import { StateFolder } from '../../cli/processes/state-folder.ts';
import { Supervisor } from '../../cli/processes/supervisor.ts';
import { printLine } from '../output.ts';
import { REPOSITORY, stateFolder } from '../paths.ts';
import { requireNode20 } from '../setup/node20.ts';
import { requireAll } from '../setup/require-all.ts';
import { Trouble } from '../trouble/trouble.ts';
import { startTroubleControl } from '../trouble/trouble-control.ts';
import { loadCredentials } from './credentials.ts';
import { describeServices } from './stack-services.ts';

/** Milliseconds between two checks whether npm still runs. */
const PARENT_CHECK_MS = 1_000;
/** Two signals within this time are one request to end, in milliseconds. */
const SAME_REQUEST_MS = 500;

async function main(): Promise<void> {
  const scripts = readScripts();
  const port = readPort(process.env.PORT);
  // Files of this process and its children are private to their owner.
  process.umask(0o077);
  const state = new StateFolder(stateFolder());
  // This also covers `process.exit` and uncaught errors.
  process.on('exit', () => state.release());
  const ended = await state.endOrphans();
  if (ended > 0) printLine('inloop', `ended ${ended} processes that an earlier run had left behind`);
  mkdirSync(join(state.path, 'data'), { recursive: true });
  // The trouble control breaks services on purpose, so there is none in production.
  const control = process.env.NODE_ENV === 'production' ? null : await startTroubleControl();
  const { url, groups } = await describeServices({
    folder: state.path,
    credentials: loadCredentials(state.path),
    port,
    ...(await requireAll({
      redisServer: () => requireSystemPart('Redis', findRedisServer),
      node20: requireNode20,
    })),
    scripts,
    troubleUrl: control?.url ?? null,
  });
  const publish = (): void => state.publish({ url, services: supervisor.addresses() });
  const supervisor = new Supervisor(groups, {
    line: printLine,
    started(name, pid) {
      state.addProcess(name, pid);
      if (name === 'soketi') trouble.tellSoketi();
    },
    recovered(name) {
      publish();
      printLine('inloop', `${name} is back`);
    },
  });
  const trouble = new Trouble(supervisor);
  const stop = endWithProcess(supervisor);
  try {
    await supervisor.start();
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  if (stop.requested) return;
  publish();
  control?.offer(trouble);
  console.log(`ready ${url}`);
}

/** Ends the services when this process ends: by a signal, when npm is gone, or after an uncaught error. */
function endWithProcess(supervisor: Supervisor): { requested: boolean } {
  const stop = { requested: false };
  let requestedAt = 0;
  const end = (why: string): void => {
    if (stop.requested) {
      // A second request kills everything at once. One Ctrl-C arrives twice, from the terminal and from npm.
      if (Date.now() - requestedAt > SAME_REQUEST_MS) process.exit(1);
      return;
    }
    requestedAt = Date.now();
    stop.requested = true;
    printLine('inloop', `${why}, ending everything`);
    supervisor.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', () => end('Ctrl-C'));
  process.on('SIGTERM', () => end('SIGTERM'));
  process.on('SIGHUP', () => end('the terminal is gone'));
  process.on('exit', () => supervisor.kill());
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error) => {
      console.error(error);
      process.exit(1);
    });
  }
  // When npm is killed, this process goes on, but its parent changes. Checked only under npm: somebody may start this
  // process in the background by hand and close the shell.
  if (process.env.npm_lifecycle_event === 'start') {
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent && !stop.requested) end('npm is gone');
    }, PARENT_CHECK_MS).unref();
  }
  return stop;
}

function readPort(text = ''): number {
  const port = text === '' ? 3000 : Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Problem(`PORT must be a whole number from 0 (picks one) to 65535, not "${text}".`);
}

/** The scripts of server and worker: the demo's, unless `--server` and `--worker` name others. */
function readScripts(): { server: string; worker: string } {
  const { values } = parseArgs({ options: { server: { type: 'string' }, worker: { type: 'string' } } });
  const scripts = {
    server: resolve(values.server ?? join(REPOSITORY, 'dist', 'demo', 'server.js')),
    worker: resolve(values.worker ?? join(REPOSITORY, 'dist', 'demo', 'worker.js')),
  };
  for (const script of Object.values(scripts)) {
    if (!existsSync(script)) throw new Problem(`There is no ${script}. Run "npm run build" first.`);
  }
  return scripts;
}

runMain(main);
