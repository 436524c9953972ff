// `npx inloop soketi`: runs hardened Soketi, for production. Starts it again when it ends by itself, for example
// because its Redis was away for too long. Ends it with this process.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { soketiCommand } from '../../soketi/command.ts';
import { findSoketi, SoketiMissingError } from '../../soketi/find-soketi.ts';
import { probeSoketi } from '../../soketi/pusher-app.ts';
import { readArguments } from '../arguments.ts';
import { CommandError } from '../command-error.ts';
import { endWithProcess } from '../processes/lifetime.ts';
import { isPortFree } from '../processes/ports.ts';
import { Supervisor } from '../processes/supervisor.ts';
import { readSoketiSettings, type SoketiSettings } from './soketi-settings.ts';

const USAGE = `Usage: inloop soketi

Runs hardened Soketi. All settings are variables of the environment:
  PUSHER_APP_ID, PUSHER_KEY, PUSHER_SECRET   the same as the application has
  SOKETI_HOST, SOKETI_PORT                   where to listen; 127.0.0.1 and 6001 unless set
  INLOOP_SOKETI_WEBHOOK                      the application's webhook, https://…/tasks/webhook
  INLOOP_SOKETI_CHANNELS                     channels that clients may enter; those of tasks unless set
and every other SOKETI_… variable of Soketi 1.6. docs/soketi.md says more.`;

/** Between SIGTERM and SIGKILL, in milliseconds. */
const GRACE_MS = 3_000;

/** Resolves only for `--help`, with 0. Otherwise `endWithProcess` ends this process. */
export async function runSoketi(args: string[]): Promise<number> {
  if (readArguments(args, {}, USAGE) === null) return 0;
  const settings = readSoketiSettings(process.env);
  const installation = findInstallation();
  // Checked first: another Soketi of the same application there would answer the probe in place of this one.
  const { host, port } = settings;
  if (!(await isPortFree(port, host))) {
    throw new CommandError(
      `Cannot listen on ${host}, port ${port}: it is taken, or this machine has no such address. Set SOKETI_HOST or SOKETI_PORT.`,
    );
  }
  // Empty and private: Soketi reads a `.env` in its working folder.
  const folder = mkdtempSync(join(tmpdir(), 'inloop-soketi-'));
  const env = { ...settings.env, INLOOP_SOKETI_PARENT: String(process.pid) };
  const supervisor = new Supervisor(
    [
      [
        {
          name: 'soketi',
          host,
          port,
          command: () => soketiCommand({ ...settings, ...installation, folder, env }),
          probe: () => isReady(settings),
          graceMs: GRACE_MS,
        },
      ],
    ],
    { line: (_name, text) => log(text), started() {}, recovered: () => log('Soketi is back.') },
  );
  const lifetime = endWithProcess({
    stop: () => supervisor.stop().then(() => 0),
    kill() {
      supervisor.kill();
      rmSync(folder, { recursive: true, force: true });
    },
    say: (why) => log(`${why}, ending Soketi.`),
  });
  await supervisor.start().catch((error: unknown) => {
    if (!lifetime.isEnding) throw error;
  });
  if (!lifetime.isEnding) console.log(`ready http://${host.includes(':') ? `[${host}]` : host}:${port}`);
  return new Promise(() => {});
}

/** Output of Soketi and about it goes to standard error; standard output has the ready line alone. */
function log(text: string): void {
  const line = stripVTControlCharacters(text).trim();
  if (line !== '') console.error(line);
}

function findInstallation() {
  try {
    return findSoketi([process.cwd()]);
  } catch (error) {
    if (error instanceof SoketiMissingError) throw new CommandError(error.message);
    throw error;
  }
}

function isReady({ host, port, app, isPlain }: SoketiSettings): Promise<boolean> {
  // An address that stands for all addresses is not one to connect to.
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  if (isPlain) return probeSoketi(port, app, reachable.includes(':') ? `[${reachable}]` : reachable);
  return new Promise((resolve) => {
    const socket = connect({ host: reachable, port });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}
