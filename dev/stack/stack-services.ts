// The four services of the local stack: their ports, commands and environment.
import { join } from 'node:path';
import { CommandError } from '../../cli/command-error.ts';
import { redisService, redisUrl } from '../../cli/parts/redis-service.ts';
import { withoutPusher } from '../../cli/parts/variables.ts';
import type { Command } from '../../cli/processes/child.ts';
import { claimPort, isPortFree, LOOPBACK } from '../../cli/processes/ports.ts';
import type { Service } from '../../cli/processes/supervisor.ts';
import { probeSoketi, pusherEnvOf } from '../../soketi/pusher-app.ts';
import { REPOSITORY } from '../paths.ts';
import type { Credentials } from './credentials.ts';
import { soketiCommand } from './soketi.ts';

/** Everything that the services are built from. */
export interface StackParts {
  /** The state folder of the stack. */
  folder: string;
  credentials: Credentials;
  /** Port of the page; 0 picks one. */
  port: number;
  redisServer: string;
  /** A Node 20, for Soketi. */
  node20: string;
  /** Scripts of the application: the web server and the worker. */
  scripts: { server: string; worker: string };
  /** The URL at which the demo's server asks for trouble on purpose (dev/trouble/); null if there is no trouble. */
  troubleUrl: string | null;
}

/** How long a worker gets to finish or hand back its tasks, and a server to answer running requests. */
const DRAIN_MS = 15_000;

/**
 * Describes the services in the groups in which they start.
 *
 * @throws CommandError when the page's port is taken
 */
export async function describeServices(parts: StackParts): Promise<{ url: string; groups: Service[][] }> {
  const port = await choosePort(parts.port);
  const redis = redisService({
    file: parts.redisServer,
    folder: join(parts.folder, 'redis'),
    port: (await claimPort()).port,
    password: parts.credentials.redisPassword,
  });
  const soketi = describeSoketi(parts, (await claimPort()).port, `http://${LOOPBACK}:${port}/tasks/webhook`);
  const env = applicationEnv(parts, redis.port, soketi.port);
  const serverEnv = {
    // The stack listens on this machine only, so everybody who reaches it may be the operator.
    OPERATORS: 'operator',
    ...env,
    // Only the server gets this URL, because only its page has the buttons that make trouble.
    ...(parts.troubleUrl === null ? {} : { INLOOP_TROUBLE_URL: parts.troubleUrl }),
  };
  const server = describeScript('server', parts.scripts.server, port, serverEnv);
  const worker = describeScript('worker', parts.scripts.worker, (await claimPort()).port, env);
  return {
    url: `http://localhost:${port}`,
    // Redis and Soketi are separate groups: groups end in reverse order, and Redis must end last.
    groups: [[redis], [soketi], [server, worker]],
  };
}

async function choosePort(wanted: number): Promise<number> {
  if (wanted === 0) return (await claimPort()).port;
  if (await isPortFree(wanted)) return wanted;
  throw new CommandError(
    `Port ${wanted} is taken. End what listens there, or choose another: PORT=${wanted + 1} npm start`,
  );
}

function describeSoketi(parts: StackParts, port: number, webhookUrl: string): Service {
  const { node20, folder, credentials, troubleUrl } = parts;
  const { app } = credentials;
  return {
    name: 'soketi',
    host: LOOPBACK,
    port,
    command() {
      return soketiCommand({
        node: node20,
        app,
        port,
        folder: join(folder, 'soketi'),
        webhookUrl,
        tasksOnly: true,
        allowsTrouble: troubleUrl !== null,
      });
    },
    probe: () => probeSoketi(port, app),
    graceMs: 3_000,
  };
}

function describeScript(name: string, script: string, port: number, env: NodeJS.ProcessEnv): Service {
  const command: Command = {
    file: process.execPath,
    args: [script],
    env: { ...env, HOST: LOOPBACK, PORT: String(port) },
    cwd: REPOSITORY,
  };
  return { name, host: LOOPBACK, port, command: () => command, probe: () => isReady(port), graceMs: DRAIN_MS };
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://${LOOPBACK}:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
  await response.body?.cancel();
  return response.ok;
}

/** The environment of server and worker; see .env.example. */
function applicationEnv({ credentials, folder }: StackParts, redisPort: number, soketiPort: number): NodeJS.ProcessEnv {
  const env = withoutPusher(process.env);
  delete env.INLOOP_TROUBLE_URL;
  const { app, sessionSecret, redisPassword } = credentials;
  return {
    ...env,
    REDIS_URL: redisUrl(redisPassword, redisPort),
    ...pusherEnvOf(app, soketiPort),
    SESSION_SECRET: sessionSecret,
    DATA_DIR: join(folder, 'data'),
  };
}
