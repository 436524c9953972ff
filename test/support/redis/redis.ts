// A Redis of a test's own, on a free port. For every test that needs a real one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { type Child, startChild, waitUntilReady } from '../../../dev/stack/child.ts';
import { claimPort, LOOPBACK } from '../../../dev/stack/ports.ts';
import { findRedisServer, pingRedis, redisCommand } from '../../../dev/stack/redis.ts';

/** A running Redis. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now; another one after `restart`. */
  readonly pid: number;
  /** What it answers to one command, on a connection of its own. Rejects with its error. */
  say(...command: readonly string[]): Promise<unknown>;
  /** Ends it and removes its data, unless the folder was handed in. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. Its data stay. */
  kill(): Promise<void>;
  /** Starts it again on the same port (ending it first if it runs), with its data unless `wipe` is set. */
  restart(options?: { wipe?: boolean }): Promise<void>;
}

/**
 * For a node of a cluster, which also listens on its port plus 10,000: these give 32,001 to 32,700, which neither
 * `claimPort` nor the system hands out.
 */
const CLUSTER_PORTS = [22_001, 22_700] as const;

/**
 * Starts a Redis and waits until it answers. `dir` keeps its data; without it they are thrown away at `stop`.
 * @param settings what is set beyond what the local stack sets, by the names of redis.conf
 */
export async function startRedis({
  dir,
  settings = {},
}: {
  dir?: string;
  settings?: Readonly<Record<string, string>>;
} = {}): Promise<TestRedis> {
  const file = process.env.INLOOP_TEST_REDIS_SERVER || findRedisServer();
  if (!file) throw new Error('These tests need redis-server on PATH. Run "npm test", which brings it.');
  const folder = dir ?? mkdtempSync(join(tmpdir(), 'inloop-redis-'));
  // Its own also while it is killed and not yet restarted.
  const claim = await (settings['cluster-enabled'] === 'yes' ? claimPort(...CLUSTER_PORTS) : claimPort());
  const { port } = claim;
  const start = async (): Promise<Child> => {
    const command = redisCommand({ file, folder, port });
    const more = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const started = await startChild({ ...command, args: [...command.args, ...more] });
    await waitUntilReady('Redis', started, () => pingRedis(port));
    return started;
  };
  let child = await start();
  return {
    url: `redis://${LOOPBACK}:${port}`,
    port,
    get pid() {
      return child.pid;
    },
    say: (...command) => sayTo(port, command),
    async stop() {
      await child.stop();
      claim.release();
      if (dir === undefined) rmSync(folder, { recursive: true, force: true });
    },
    async kill() {
      child.signal('SIGKILL');
      await child.end;
    },
    async restart({ wipe = false } = {}) {
      await child.stop();
      if (wipe) rmSync(folder, { recursive: true, force: true });
      child = await start();
    },
  };
}

/** What the Redis or the sentinel on `port` answers to one command, on a connection of its own. Rejects with its error. */
export async function sayTo(port: number, command: readonly string[], password?: string): Promise<unknown> {
  const socket = { host: LOOPBACK, port, reconnectStrategy: false as const };
  const client = createClient({ socket, RESP: 2, ...(password === undefined ? {} : { password }) });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand([...command]);
  } finally {
    client.destroy();
  }
}
