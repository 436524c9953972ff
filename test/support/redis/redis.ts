// Starts a Redis for a test, on a free port. For every test that needs a real Redis.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { findRedisServer, pingRedis, redisCommand } from '../../../cli/parts/redis.ts';
import { type Child, startChild, waitUntilReady } from '../../../cli/processes/child.ts';
import { claimPort, LOOPBACK } from '../../../cli/processes/ports.ts';

/** A running Redis. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** The process id. It changes with `restart`. */
  readonly pid: number;
  /** Sends one command on a new connection. Resolves with the answer, rejects with the error of Redis. */
  say(...command: readonly string[]): Promise<unknown>;
  /** Ends it, and removes its data unless `dir` was given. */
  stop(): Promise<void>;
  /** SIGKILL. Resolves when the process has ended and its clients in this process know it. Its data are kept. */
  kill(): Promise<void>;
  /** Starts it again on the same port (ending it first if it runs), with its data unless `wipe` is set. */
  restart(options?: { wipe?: boolean }): Promise<void>;
}

/**
 * Ports for nodes of a cluster. A node also listens on its port plus 10,000. These ports give 32,001 to 32,700, which neither
 * `claimPort` nor the system picks.
 */
const CLUSTER_PORTS = [22_001, 22_700] as const;

/**
 * Starts a Redis and waits until it answers.
 *
 * @param dir the folder of its data, which is kept. Without it, a temporary folder is used and removed at `stop`.
 * @param settings added to those of the local stack, by the names of redis.conf
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
  // The claim keeps the port while Redis is killed and not yet restarted.
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
      // This process may hear of the end of Redis before it hears of the end of its connections. A client needs three turns of the
      // event loop: to read the end, to close its socket and to tell its user. What it sent meanwhile would be lost.
      for (let turn = 0; turn < 3; turn++) await setImmediate();
    },
    async restart({ wipe = false } = {}) {
      await child.stop();
      if (wipe) rmSync(folder, { recursive: true, force: true });
      child = await start();
    },
  };
}

/** Sends one command to the Redis or the sentinel on `port`, on a new connection. Rejects with its error. */
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
