/** `inloop/backend`: what an adopter uses to build the backend that server and worker share. */

export { type Backend, createBackend, type Health, type Load } from './backend.ts';
export type { EventMap, EventName, NamedEvent } from './events/event-map.ts';
export { consoleLog, type Log } from './log/log.ts';
export { type StructuredLogger, structuredLog } from './log/structured-log.ts';
export type { BackendOptions } from './options.ts';
export { type Endpoint, type PusherOptions, pusherFromEnv } from './push/bus/pusher-env.ts';
export type { RedisEndpoint, RedisTls } from './redis/address.ts';
export type { ServerBackend } from './server-backend.ts';
