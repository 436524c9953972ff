// A worker in a process of its own, for the tests of `inloop/operator`. It prints `ready`, and runs until a test kills it.
import { createBackend } from '../../../backend/backend.ts';
import { pusherFromEnv } from '../../../backend/push/bus/pusher-env.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { blocker, deaf } from './operator-tasks.ts';

const BLOCKED_MS = 60_000;

const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
const worker = createTaskWorker({ backend, concurrency: 1, stallInterval: '1s', grace: '10m' });
worker.handle(deaf, () => new Promise<never>(() => {}));
worker.handle(blocker, async () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MS);
  return null;
});
void worker.run({ signal: new AbortController().signal });
await backend.redis.probeWrite();
console.log('ready');
