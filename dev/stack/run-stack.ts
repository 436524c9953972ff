// `npm start`, once everything is installed and built: runs the local stack until a signal ends it.
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError, runMain } from '../../cli/command-error.ts';
import { REDIS } from '../../cli/parts/redis.ts';
import { requireSystemPart } from '../../cli/parts/system-packages.ts';
import { endWithProcess } from '../../cli/processes/lifetime.ts';
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
      redisServer: () => requireSystemPart(REDIS),
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
  const stop = endWithProcess({
    stop: () => supervisor.stop().then(() => 0),
    kill: () => supervisor.kill(),
    say: (why) => printLine('inloop', `${why}, ending everything`),
    // When npm is killed, this process goes on, but its parent changes. Checked only under npm: somebody may start this
    // process in the background by hand and close the shell.
    parent: process.env.npm_lifecycle_event === 'start' ? 'npm' : null,
  });
  try {
    await supervisor.start();
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  if (stop.isEnding) return;
  publish();
  control?.offer(trouble);
  console.log(`ready ${url}`);
}

function readPort(text = ''): number {
  const port = text === '' ? 3000 : Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new CommandError(`PORT must be a whole number from 0 (picks one) to 65535, not "${text}".`);
}

/** The scripts of server and worker: the demo's, unless `--server` and `--worker` name others. */
function readScripts(): { server: string; worker: string } {
  const { values } = parseArgs({ options: { server: { type: 'string' }, worker: { type: 'string' } } });
  const scripts = {
    server: resolve(values.server ?? join(REPOSITORY, 'dist', 'demo', 'server.js')),
    worker: resolve(values.worker ?? join(REPOSITORY, 'dist', 'demo', 'worker.js')),
  };
  for (const script of Object.values(scripts)) {
    if (!existsSync(script)) throw new CommandError(`There is no ${script}. Run "npm run build" first.`);
  }
  return scripts;
}

runMain(main);
