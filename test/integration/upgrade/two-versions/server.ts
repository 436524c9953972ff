// A web server with the HTTP fallback, until SIGTERM. The header `x-user` names the user. world.ts bundles it with the `inloop` of
// each version.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createBackend, pusherFromEnv } from 'inloop/backend';
import { attachFallback, createTaskServer } from 'inloop/server';
import { ALL } from './tasks.ts';

const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
const app = express();
const tasks = createTaskServer({ backend, tasks: ALL, identify: (req) => req.get('x-user') ?? null });
app.use('/tasks', tasks.router);
const server = createServer(app);
const fallback = attachFallback(server, { backend });
process.once('SIGTERM', () => {
  fallback.close();
  server.close(() => void backend.close());
  server.closeIdleConnections();
});
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}\nserver ready`));
