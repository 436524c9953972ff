// The attacked app: the task router in a process of its own. The header `x-user` names the user, escaped as in a URL, so
// that an owner can have any name. world.ts bundles and starts it.
import express, { type Request } from 'express';
import { createBackend } from '../../backend/backend.ts';
import { pusherFromEnv } from '../../backend/push/bus/pusher-env.ts';
import { createTaskServer } from '../../server/task-server.ts';
import { createTaskWorker } from '../../worker/task-worker.ts';
import { wait, weigh } from './tasks.ts';

const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });

if (process.env.ROLE === 'worker') {
  const worker = createTaskWorker({ backend, concurrency: 4 });
  worker.handle(weigh, async ({ bytes }) => 'x'.repeat(bytes));
  console.log('worker ready');
  await worker.run({ signal: new AbortController().signal });
} else {
  const tasks = [wait, weigh];
  const identify = (req: Request): string | null => {
    const user = req.get('x-user');
    return user === undefined ? null : decodeURIComponent(user);
  };
  const app = express();
  app.use('/tasks', createTaskServer({ backend, tasks, identify, path: '/tasks' }).router);
  // Mounted below a path parameter, and without the option `path`, so the server learns the path from each request.
  app.use('/:tenant/inbox', createTaskServer({ backend, tasks, identify }).router);
  app.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('app ready'));
}
