// The Redis and the Soketi of a run, which its stacks use one after the other. Both have the settings of `npm start`, with two
// differences: Redis needs no password, and Soketi takes channels of any name.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { findRedisServer, pingRedis, redisCommand } from '../cli/parts/redis.ts';
import { startChild, waitUntilReady } from '../cli/processes/child.ts';
import { claimPort, LOOPBACK } from '../cli/processes/ports.ts';
import { requireNode20 } from '../dev/setup/node20.ts';
import { soketiCommand } from '../dev/stack/soketi.ts';
import { createPusherApp, probeSoketi, pusherEnvOf } from '../soketi/pusher-app.ts';
import { pause } from './measure/clock.ts';

/** A Redis and a Soketi that run. */
export interface Services {
  /** Environment of every process: where Redis and Soketi are, and the port for the stack's server (`PORT`). */
  readonly env: Readonly<Record<string, string>>;
  readonly redisPid: number;
  readonly soketiPid: number;
  readonly redis: RedisProbe;
  /** Ends both. May be called more than once. */
  stop(): Promise<void>;
}

/** All services that are running. */
const allServices = new Set<Services>();

/** Ends all services, when a signal ends the bench. */
export async function stopAllServices(): Promise<void> {
  await Promise.all([...allServices].map((services) => services.stop()));
}

/** Starts a Redis and a Soketi on free ports. @param profileFolder where Soketi writes a CPU profile when it ends */
export async function startServices({ profileFolder }: { profileFolder?: string } = {}): Promise<Services> {
  const redisServer = findRedisServer();
  if (redisServer === null) throw new Error('The bench needs redis-server on PATH. Run "npm test", which brings it.');
  const folder = mkdtempSync(join(tmpdir(), 'inloop-bench-'));
  const app = createPusherApp();
  const claims = [await claimPort(), await claimPort(), await claimPort()] as const;
  const redisPort = claims[0].port;
  const soketiPort = claims[1].port;
  const serverPort = claims[2].port;
  const redis = await startChild(redisCommand({ file: redisServer, folder: join(folder, 'redis'), port: redisPort }));
  const command = await soketiCommand({
    node: await requireNode20(),
    app,
    port: soketiPort,
    folder: join(folder, 'soketi'),
    webhookUrl: `http://${LOOPBACK}:${serverPort}/tasks/webhook`,
  });
  if (profileFolder) {
    command.args.unshift('--cpu-prof', `--cpu-prof-dir=${profileFolder}`, '--cpu-prof-name=soketi.cpuprofile');
  }
  const soketi = await startChild(command);
  await Promise.all([
    waitUntilReady('Redis', redis, () => pingRedis(redisPort)),
    waitUntilReady('Soketi', soketi, () => probeSoketi(soketiPort, app)),
  ]);
  const redisUrl = `redis://${LOOPBACK}:${redisPort}`;
  const probe = await connectProbe(redisUrl);
  let stopped: Promise<void> | undefined;
  const services: Services = {
    env: {
      REDIS_URL: redisUrl,
      ...pusherEnvOf(app, soketiPort),
      PORT: String(serverPort),
    },
    redisPid: redis.pid,
    soketiPid: soketi.pid,
    redis: probe,
    stop() {
      stopped ??= (async () => {
        probe.close();
        await Promise.all([soketi.stop(10_000), redis.stop()]);
        rmSync(folder, { recursive: true, force: true });
        allServices.delete(services);
      })();
      return stopped;
    },
  };
  allServices.add(services);
  return services;
}

/** Calls `use` with a Redis and a Soketi that nobody else uses, so that it can run at the same time as another measurement. */
export async function withOwnServices<T>(use: (services: Services) => Promise<T>): Promise<T> {
  const services = await startServices();
  try {
    return await use(services);
  } finally {
    await services.stop();
  }
}

/** How many commands Redis was given. */
export interface CommandCounts {
  /** Commands that clients sent. A script counts as one. */
  readonly sent: number;
  /** Commands that Redis ran, also those inside scripts (`INFO commandstats`). */
  readonly run: number;
  /** The commands of `run`, by name. */
  readonly byName: Readonly<Record<string, number>>;
}

/** The bench's own connection to Redis. */
export interface RedisProbe {
  /** Deletes all data, in memory and on disk. */
  wipe(): Promise<void>;
  /** Starts to count commands. Counting slows Redis down, so measure no times until it is stopped. */
  startCounting(): Promise<void>;
  /** Stops counting. PING, which idle clients send, and INFO, CONFIG and MONITOR, which the probe sends, are not counted. */
  stopCounting(): Promise<CommandCounts>;
  /** Memory that Redis uses for its data and for itself, in bytes. */
  memory(): Promise<number>;
  /** Sends one PING and waits for the answer. */
  roundTrip(): Promise<void>;
  close(): void;
}

/** The name under which the bench's own connections stand in `CLIENT LIST`. */
export const PROBE_NAME = 'bench-probe';

async function connectProbe(url: string): Promise<RedisProbe> {
  const client = createClient({ url, name: PROBE_NAME });
  const monitor = client.duplicate();
  for (const connection of [client, monitor]) {
    connection.on('error', (error: Error) => console.error(`bench: Redis: ${error.message}`));
    await connection.connect();
  }
  let isMonitoring = false;
  let sent = 0;
  const isOwn = (name: string) => /^(ping|info|config|monitor)/i.test(name);
  return {
    async wipe() {
      await client.flushAll();
      // Rewrite the append-only file now, so that Redis does not do it while a stack is measured.
      await client.bgRewriteAof();
      while (/aof_rewrite_(in_progress|scheduled):1/.test(await client.info('persistence'))) await pause(10);
    },
    async startCounting() {
      // A line is like `1700000000.123456 [0 127.0.0.1:5000] "hset" "key"`. Commands inside scripts have `lua` for an address.
      if (!isMonitoring) {
        await monitor.monitor((line) => {
          const match = /\[\d+ ([^\]]+)\] "([^"]+)"/.exec(String(line));
          if (match && match[1] !== 'lua' && !isOwn(match[2] ?? '')) sent += 1;
        });
      }
      isMonitoring = true;
      await client.configResetStat();
      sent = 0;
    },
    async stopCounting() {
      const stats = await client.info('commandstats');
      // One more round trip, so that the monitor's lines for earlier commands have arrived before `sent` is read.
      await client.ping();
      const calls = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].filter(([, name = '']) => !isOwn(name));
      const byName = Object.fromEntries(calls.map(([, name = '', count]) => [name, Number(count)]));
      const counts = { sent, run: Object.values(byName).reduce((total, count) => total + count, 0), byName };
      await monitor.reset();
      isMonitoring = false;
      return counts;
    },
    async memory() {
      return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
    },
    async roundTrip() {
      await client.ping();
    },
    close() {
      client.destroy();
      monitor.destroy();
    },
  };
}
