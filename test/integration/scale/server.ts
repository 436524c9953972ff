// A web server of the scale test, with the HTTP fallback, behind nginx. The header `x-user` names the user. world.ts bundles,
// starts and kills it.
import { createServer } from 'node:http';
import express from 'express';
import { createBackend } from '../../../backend/backend.ts';
import { pusherFromEnv } from '../../../backend/push/bus/pusher-env.ts';
import { attachFallback } from '../../../server/fallback/attach.ts';
import { createTaskServer } from '../../../server/task-server.ts';
import { steps } from '../work/processes/fault-tasks.ts';

const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
const app = express();
app.set('trust proxy', 'loopback');
const tasks = createTaskServer({ backend, tasks: [steps], identify: (req) => req.get('x-user') ?? null });
app.use('/tasks', tasks.router);
const server = createServer(app);
attachFallback(server, { backend, trustProxy: 'loopback' });
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('server ready'));
