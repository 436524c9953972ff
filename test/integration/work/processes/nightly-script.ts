// A script without a web server: starts a task for OWNER, says what it sees, and ends by itself. For script.test.ts.
import { createBackend } from '../../../../backend/backend.ts';
import { pusherFromEnv } from '../../../../backend/push/bus/pusher-env.ts';
import { createTasks } from '../../../../server/tasks/index.ts';
import { steps } from './fault-tasks.ts';

const owner = process.env.OWNER ?? '';
const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
const tasks = createTasks({ backend, tasks: [steps] });
const options = { owner, idempotencyKey: 'nightly' };
const { id } = await tasks.start(steps, { steps: 3, ms: 10 }, options);
const again = await tasks.start(steps, { steps: 3, ms: 10 }, options);
const cancelled = await tasks.cancel(owner, (await tasks.start(steps, { steps: 1, ms: 10 }, { owner })).id);
const retried = await tasks.retry(owner, cancelled.id);
const { tasks: listed } = await tasks.list(owner);
await tasks.seen(owner, [cancelled.id]);
const { seenAt } = await tasks.get(owner, cancelled.id);
const others = await tasks.get('somebody else', id).catch((error: { code: string }) => error.code);
console.log(
  JSON.stringify({ id, isSame: again.id === id, retryOf: retried.retryOf === cancelled.id, listed: listed.length }),
);
console.log(JSON.stringify({ isSeen: seenAt !== null, others }));
await backend.close();
console.log('script done');
