// The web server of the chaos run. The header `x-user` names the user. world.ts bundles, starts and kills it.
import express from 'express';
import { createBackend } from '../../../backend/backend.ts';
import { pusherFromEnv } from '../../../backend/push/bus/pusher-env.ts';
import { createTaskServer } from '../../../server/task-server.ts';
import { FAULT_TASKS } from '../../integration/work/processes/fault-tasks.ts';

const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
const app = express();
const tasks = createTaskServer({ backend, tasks: FAULT_TASKS, identify: (req) => req.get('x-user') ?? null });
app.use('/tasks', tasks.router);
app.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('server ready'));
