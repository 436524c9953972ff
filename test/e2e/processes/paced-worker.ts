// The worker process of shown-truth.test.ts. It works by the plan of each task, and prints how many elements are done when:
// "truth <task id> <ms since 1970> <done>".
import { setTimeout as wait } from 'node:timers/promises';
import { createBackend } from '../../../backend/backend.ts';
import { pusherFromEnv } from '../../../backend/push/bus/pusher-env.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { paced } from './paced-tasks.ts';

/** Time between two looks at the clock, in ms. */
const TICK_MS = 5;

const shutdown = new AbortController();
process.on('SIGTERM', () => shutdown.abort());
const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
// With this stall interval nobody misses a killed worker for a minute. Meanwhile a page hears nothing, and a test can look at it.
const worker = createTaskWorker({ backend, drain: '500ms', grace: '300ms', stallInterval: '1m' });
worker.handle(paced, async ({ total, plan }, task) => {
  let done = 0;
  const say = (count: number) => {
    done = count;
    task.progress({ done, total });
    console.log(`truth ${task.id} ${Date.now()} ${done}`);
  };
  say(0);
  for (const part of plan) {
    const start = done;
    const startedAt = performance.now();
    for (let passed = 0; passed < part.ms; ) {
      await wait(TICK_MS, undefined, { signal: task.signal });
      passed = Math.min(performance.now() - startedAt, part.ms);
      const reached = start + Math.floor((part.done * passed) / part.ms);
      if (reached > done) say(reached);
    }
    if (start + part.done > done) say(start + part.done);
  }
});
const running = worker.run({ signal: shutdown.signal });
await backend.redis.probeWrite().catch(() => undefined);
console.log('worker ready');
await running;
await backend.close();
