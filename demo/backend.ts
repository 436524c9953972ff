/** The backend that server and worker share: Redis and the bus, from the environment. */

import { type Backend, createBackend, type PusherOptions, pusherFromEnv } from 'inloop/backend';

/** Connects when first used. @throws TaskError naming the PUSHER_* variable that is missing or bad */
export function openBackend(
  { redisUrl, pushesPerSecond }: { readonly redisUrl: string; readonly pushesPerSecond: number },
  env: Readonly<Record<string, string | undefined>>,
): { readonly backend: Backend; readonly bus: PusherOptions } {
  const bus = pusherFromEnv(env);
  return { backend: createBackend({ redis: redisUrl, pusher: bus, pushesPerSecond }), bus };
}
