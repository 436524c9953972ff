// The set-up of tests that start a Redis of a certain kind, or disturb one: what a test starts is ended after it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendOptions } from '../../../backend/options.ts';
import { eventually } from '../eventually.ts';
import { startRedis, type TestRedis } from './redis.ts';
import { type RedisProxy, startRedisProxy } from './redis-proxy.ts';
import { type RedisWorld, startRedisWorld } from './redis-world.ts';

/** After a disturbance ends, a task must be accepted and done within this time, in ms. */
export const HEALED_MS = 10_000;

/** How a test starts parts. Each part is ended after the test, the last started first. */
export interface RedisParts {
  /** @param settings added to those of the local stack, by the names of redis.conf */
  startRedis(settings?: Readonly<Record<string, string>>): Promise<TestRedis>;
  /** Starts a proxy whose connections lead to `server` at first. */
  startProxy(server: TestRedis): Promise<RedisProxy>;
  /** Starts a server and a worker on `address`. */
  startWorld(address: BackendOptions['redis'], options?: Partial<BackendOptions>): Promise<RedisWorld>;
  makeFolder(): string;
  /** Calls `close` after the test. */
  closeAfterTest(close: () => unknown): void;
}

/**
 * The body of a test that gets parts of its own, followed by the arguments that `it.each` gives. Such tests can run at the same
 * time.
 *
 * @example it.concurrent('a restart is survived', withRedis(async ({ startRedis }) => { … }))
 */
export function withRedis<Args extends unknown[]>(
  test: (parts: RedisParts, ...args: Args) => Promise<void>,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    const closers: (() => unknown)[] = [];
    try {
      await test(createParts(closers), ...args);
    } finally {
      await closeAll(closers);
    }
  };
}

async function closeAll(closers: (() => unknown)[]): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** Parts that add to `closers` what ends them. */
function createParts(closers: (() => unknown)[]): RedisParts {
  return {
    async startRedis(settings = {}) {
      const server = await startRedis({ settings });
      closers.push(() => server.stop());
      return server;
    },
    async startProxy(server) {
      const proxy = await startRedisProxy(server.port);
      closers.push(() => proxy.close());
      return proxy;
    },
    async startWorld(address, options = {}) {
      const world = await startRedisWorld(address, options);
      closers.push(() => world.close());
      return world;
    },
    makeFolder() {
      const folder = mkdtempSync(join(tmpdir(), 'inloop-redis-files-'));
      closers.push(() => rmSync(folder, { recursive: true, force: true }));
      return folder;
    },
    closeAfterTest: (close) => void closers.push(close),
  };
}

/**
 * Makes a Redis the replica of the one on `primaryPort`, and waits until it has all data.
 *
 * @param say sends a command to the Redis that becomes the replica
 */
export async function makeReplica(say: TestRedis['say'], primaryPort: number): Promise<void> {
  await say('REPLICAOF', '127.0.0.1', String(primaryPort));
  await eventually(async () => String(await say('INFO', 'replication')).includes('master_link_status:up'), {
    within: 20_000,
    every: 100,
    that: 'the replica to have the data of its primary',
  });
}
