// Redis and Soketi of `npx inloop dev`: found or installed, on ports that stay the same from one run to the next.
import { join } from 'node:path';
import { parseRedisAddress } from '../../backend/redis/address.ts';
import { ConfigError } from '../../core/config-error.ts';
import { soketiCommand } from '../../soketi/command.ts';
import { probeSoketi, pusherEnvOf } from '../../soketi/pusher-app.ts';
import { CommandError } from '../command-error.ts';
import { requireSoketi } from '../parts/local-soketi.ts';
import { REDIS } from '../parts/redis.ts';
import { redisService, redisUrl } from '../parts/redis-service.ts';
import { loadSecrets } from '../parts/secrets.ts';
import { requireSystemPart } from '../parts/system-packages.ts';
import { readJsonFile, writeJsonFile } from '../processes/json-file.ts';
import { claimPort, findFreePort, findFreeUdpPort, isPortFree, LOOPBACK } from '../processes/ports.ts';
import type { Service } from '../processes/supervisor.ts';

/** What `npx inloop dev` was asked for. */
export interface DevOptions {
  /** Folder of the application. */
  project: string;
  /** The state folder. */
  folder: string;
  /** The address of a Redis to use; undefined to start one. */
  redis: string | undefined;
  /** The port of Soketi; null for a free one. */
  port: number | null;
  /** The application's webhook. */
  webhook: string;
}

/** What to run, and the variables that lead there. */
export interface DevParts {
  /** In the groups in which they start. */
  groups: Service[][];
  variables: Record<string, string>;
}

/** @throws CommandError when something is missing and cannot be installed, or when a port is taken */
export async function prepareParts({ project, folder, redis, port, webhook }: DevOptions): Promise<DevParts> {
  if (!URL.canParse(webhook)) throw new CommandError(`--webhook must be a URL, not "${webhook}".`);
  if (redis !== undefined) checkRedisAddress(redis);
  const { app, redisPassword } = loadSecrets(folder);
  const soketi = await requireSoketi(project, folder);
  const redisServer = redis === undefined ? await requireSystemPart(REDIS) : null;
  if (port !== null && !(await isPortFree(port)))
    throw new CommandError(`Port ${port} is taken. Choose another: --port ${port + 1}`);

  const portsFile = join(folder, 'ports.json');
  const kept = readJsonFile<{ redis?: number; soketi?: number }>(portsFile);
  const redisPort = await claimAgain(kept?.redis);
  const soketiPort = port ?? (await claimAgain(kept?.soketi));
  writeJsonFile(portsFile, { redis: redisPort, soketi: soketiPort });

  const redisSettings = redisServer && {
    file: redisServer,
    folder: join(folder, 'redis'),
    port: redisPort,
    password: redisPassword,
  };
  const soketiService: Service = {
    name: 'soketi',
    host: LOOPBACK,
    port: soketiPort,
    async command() {
      return soketiCommand({
        ...soketi,
        app,
        host: LOOPBACK,
        port: soketiPort,
        folder: join(folder, 'soketi'),
        webhookUrl: webhook,
        tasksOnly: true,
        metricsPort: await findFreePort(),
        clusterPort: await findFreeUdpPort(),
        env: { INLOOP_SOKETI_PARENT: String(process.pid) },
      });
    },
    probe: () => probeSoketi(soketiPort, app),
    graceMs: 3_000,
  };
  return {
    groups: [...(redisSettings ? [[redisService(redisSettings)]] : []), [soketiService]],
    variables: { REDIS_URL: redis ?? redisUrl(redisPassword, redisPort), ...pusherEnvOf(app, soketiPort) },
  };
}

/** The same port as last time if it is free, so that copied variables stay right; otherwise another one. */
async function claimAgain(port: number | undefined): Promise<number> {
  if (port !== undefined) {
    const claim = await claimPort(port, port).catch(() => null);
    if (claim !== null) return port;
  }
  return (await claimPort()).port;
}

/** @throws CommandError for an address that `createBackend` would refuse */
function checkRedisAddress(redis: string): void {
  try {
    parseRedisAddress(redis);
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError(error.message.replace(/^\S*: redis/, '--redis'));
    throw error;
  }
}
