/** The backend that server and worker share: Redis and the bus, from the environment. */

import { type Backend, createBackend, type PusherOptions, pusherFromEnv } from 'inloop/backend';
import type { CommonSettings } from './settings.ts';

/** Connects when first used. @throws ConfigError `invalid_environment` naming the PUSHER_* variable that is missing or bad */
export function openBackend(
  { redisUrl, accuracy, pushesPerSecond }: Pick<CommonSettings, 'redisUrl' | 'accuracy' | 'pushesPerSecond'>,
  env: Readonly<Record<string, string | undefined>>,
): { readonly backend: Backend; readonly bus: PusherOptions } {
  const bus = pusherFromEnv(env);
  return { backend: createBackend({ redis: redisUrl, pusher: bus, accuracy, pushesPerSecond }), bus };
}
