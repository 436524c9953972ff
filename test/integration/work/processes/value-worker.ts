// The worker process of values.test.ts, which bundles and starts it.
import { createBackend } from '../../../../backend/backend.ts';
import { pusherFromEnv } from '../../../../backend/push/bus/pusher-env.ts';
import { TaskError } from '../../../../core/error.ts';
import { createTaskWorker } from '../../../../worker/task-worker.ts';
import { defaulting, patient, RETURNED, returning, THROWN, throwing } from './value-tasks.ts';

const shutdown = new AbortController();
process.on('SIGTERM', () => shutdown.abort());

const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
const worker = createTaskWorker({ backend, concurrency: 8, drain: '25h', grace: '26h' });
worker.handle(throwing, async ({ what }) => {
  throw THROWN[what]?.();
});
worker.handle(returning, ({ what }) => RETURNED[what]?.());
worker.handle(defaulting, (input, task) => {
  if (task.attempt === 1) throw new TaskError('once', `Attempt 1 got ${input.tag}.`);
  return input;
});
worker.handle(patient, async (_input, task) => {
  await new Promise((resolve) => setTimeout(resolve, 200));
  if (task.signal.aborted) throw new Error('stopped');
  return 'in time';
});
const running = worker.run({ signal: shutdown.signal });
await backend.redis.probeWrite().catch(() => undefined);
console.log('worker ready');
await running;
await backend.close();
process.exit(0);
