// A Redis on this machine as a supervised service. For `npx inloop dev` and `npm start`.
import { LOOPBACK } from '../processes/ports.ts';
import type { Service } from '../processes/supervisor.ts';
import { pingRedis, redisCommand } from './redis.ts';

/** @param redis path of the program, folder of its data, port, and the password that clients need */
export function redisService(redis: { file: string; folder: string; port: number; password: string }): Service {
  const { port, password } = redis;
  return {
    name: 'redis',
    host: LOOPBACK,
    port,
    command: () => redisCommand(redis),
    probe: () => pingRedis(port, password),
    access: { url: redisUrl(password, port), password },
    graceMs: 10_000,
  };
}

/** The address of such a Redis. */
export function redisUrl(password: string, port: number): string {
  return `redis://:${password}@${LOOPBACK}:${port}`;
}
