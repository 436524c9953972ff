// What the server and the worker share.
import { defineTask } from 'inloop';
import { createBackend, pusherFromEnv } from 'inloop/backend';
import { z } from 'zod';

export const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });

export const buildReport = defineTask({
  name: 'build-report',
  input: z.object({ month: z.string() }),
  title: ({ month }) => `Report of ${month}`,
});
