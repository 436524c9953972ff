// A Redis of a test's own, on a free port. For every test that needs a real one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from '../../dev/child.ts';
import { claimPort, LOOPBACK } from '../../dev/ports.ts';
import { findRedisServer, pingRedis, redisCommand } from '../../dev/redis.ts';
import { waitUntilReady } from '../../dev/wait.ts';

/** A running Redis. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now; another one after `restart`. */
  readonly pid: number;
  /** Ends it and removes its data, unless the folder was handed in. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. Its data stay. */
  kill(): Promise<void>;
  /** Starts it again on the same port (ending it first if it runs), with its data unless `wipe` is set. */
  restart(options?: { wipe?: boolean }): Promise<void>;
}

/** Starts a Redis and waits until it answers. `dir` keeps its data; without it they are thrown away at `stop`. */
export async function startRedis({ dir }: { dir?: string } = {}): Promise<TestRedis> {
  const file = process.env.INLOOP_TEST_REDIS_SERVER || findRedisServer();
  if (!file) throw new Error('These tests need redis-server on PATH. Run "npm test", which brings it.');
  const folder = dir ?? mkdtempSync(join(tmpdir(), 'inloop-redis-'));
  // Its own also while it is killed and not yet restarted.
  const claim = await claimPort();
  const { port } = claim;
  const start = async (): Promise<Child> => {
    const started = await startChild(redisCommand({ file, folder, port }));
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
