// Takes Redis and the bus away for a moment, in the middle of each hour of the soak run (`hour.ts`).
import { setTimeout as pause } from 'node:timers/promises';
import { PROBE_NAME } from '../services.ts';
import type { RedisCaller } from './redis-contents.ts';

/** The wait before each of the two disturbances. */
const AFTER_MS = 100;
/** How long Soketi is frozen. */
const FROZEN_MS = 300;

/** Cuts all connections to Redis, except `redis` itself and those of the bench. Then freezes Soketi for a moment. */
export async function disturbParts(redis: RedisCaller, soketiPid: number): Promise<void> {
  await pause(AFTER_MS);
  for (const line of String(await redis.sendCommand(['CLIENT', 'LIST'])).split('\n')) {
    const id = /^id=(\d+)/.exec(line)?.[1];
    if (id !== undefined && !line.includes(`name=${PROBE_NAME}`)) {
      await redis.sendCommand(['CLIENT', 'KILL', 'ID', id, 'SKIPME', 'yes']);
    }
  }
  await pause(AFTER_MS);
  process.kill(soketiPid, 'SIGSTOP');
  await pause(FROZEN_MS);
  process.kill(soketiPid, 'SIGCONT');
}
