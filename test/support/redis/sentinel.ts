// Starts sentinels, which watch a Redis and make its replica the primary when it is gone.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisServer, pingRedis } from '../../../cli/parts/redis.ts';
import { startChild, waitUntilReady } from '../../../cli/processes/child.ts';
import { findFreePort } from '../../../cli/processes/ports.ts';
import { eventually } from '../eventually.ts';
import { sayTo } from './redis.ts';

/** What the sentinels of tests call the primary that they watch. */
export const PRIMARY_NAME = 'main';
/** How many sentinels must agree that the primary is gone. */
const QUORUM = 2;

/** A running sentinel. */
export interface TestSentinel {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts a sentinel that watches the Redis on `primaryPort`.
 *
 * @param password of Redis, if it wants one
 * @param epoch the number of its configuration. Each failover makes it one greater
 */
export async function startSentinel(
  primaryPort: number,
  { password, epoch = 0 }: { readonly password?: string; readonly epoch?: number } = {},
): Promise<TestSentinel> {
  const port = await findFreePort();
  const path = mkdtempSync(join(tmpdir(), 'inloop-sentinel-'));
  const file = join(path, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${path}`,
    `sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${primaryPort} ${QUORUM}`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${PRIMARY_NAME} ${password}`]),
    `sentinel config-epoch ${PRIMARY_NAME} ${epoch}`,
    `sentinel down-after-milliseconds ${PRIMARY_NAME} 1000`,
    `sentinel failover-timeout ${PRIMARY_NAME} 5000`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const child = await startChild({
    file: process.env.INLOOP_TEST_REDIS_SERVER || (findRedisServer() ?? ''),
    args: [file, '--sentinel'],
    env: { PATH: process.env.PATH },
    cwd: path,
  });
  await waitUntilReady('Sentinel', child, () => pingRedis(port));
  return {
    port,
    async stop() {
      await child.stop();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Waits until all of `sentinels` name the Redis on `port` as the primary. */
export async function waitUntilTheyName(sentinels: readonly TestSentinel[], port: number): Promise<void> {
  const question = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', PRIMARY_NAME];
  await eventually(
    async () => {
      const named = (await Promise.all(sentinels.map((one) => sayTo(one.port, question)))) as [string, string][];
      return named.every(([, primary]) => primary === String(port));
    },
    { within: 30_000, every: 100, that: 'the sentinels to name the new primary' },
  );
}

/** Waits until the first of `sentinels` knows one replica and all the others, so that a failover can succeed. */
export async function waitUntilTheyKnowEachOther(sentinels: readonly TestSentinel[]): Promise<void> {
  const others = String(sentinels.length - 1);
  await eventually(
    async () => {
      const known = (await sayTo(sentinels[0]?.port ?? 0, ['SENTINEL', 'MASTER', PRIMARY_NAME])) as string[];
      const of = (name: string) => known[known.indexOf(name) + 1];
      return of('num-slaves') === '1' && of('num-other-sentinels') === others;
    },
    { within: 30_000, every: 200, that: 'the sentinels to know each other and the replica' },
  );
}
