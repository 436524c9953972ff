// Finds keys that must not be in Redis any more, because all tasks have ended. backend/store/keys.ts explains them.
import type { TestRedis } from '../../support/redis/redis.ts';

const PREFIX = 'inloop:';

/** Keys that are gone once all tasks have ended and all hooks have run. */
const UNTIL_THE_END = [
  'active:*',
  'counted:*',
  'gate:*',
  'gates',
  'hook:*',
  'hook-tries:*',
  'line:*',
  'parents',
  'queue:*:active',
  'queue:*:delayed',
  'queue:*:waiting',
  'replaced',
  'running:*',
];

/** The names of such keys, and of task records without an expiry. Call it when all tasks have ended. */
export async function findLeftKeys(redis: TestRedis): Promise<string[]> {
  const left: string[] = [];
  for (const pattern of UNTIL_THE_END) left.push(...((await redis.say('KEYS', PREFIX + pattern)) as string[]));
  for (const key of (await redis.say('KEYS', `${PREFIX}task:*`)) as string[]) {
    if ((await redis.say('TTL', key)) === -1) left.push(key);
  }
  return left;
}
