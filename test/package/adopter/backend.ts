import { createBackend, pusherFromEnv } from 'inloop/backend';

export const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
