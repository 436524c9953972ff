// An app on a real Redis, Soketi and Express with a single task, which counts. For tests of pages that follow tasks.
import { z } from 'zod';
import { defineTask } from '../../../core/tasks/definition.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { backendOn, startApp, startBus, type TestApp } from '../parts.ts';

/** Counts from 1 to `to`, with `pause` milliseconds before each step. */
const count = defineTask({
  name: 'count',
  input: z.object({ to: z.number().int().positive(), pause: z.number().default(0) }),
  title: ({ to }) => `Count to ${to}`,
  browser: true,
});

export interface CountingApp extends TestApp {
  /** Starts a task of `user`; returns its id. */
  start(user: string, to: number, pause?: number): Promise<string>;
}

/** Starts Redis, Soketi, the app and a worker. `close` ends them all. */
export async function startCountingApp(): Promise<CountingApp> {
  const bus = await startBus();
  const backend = backendOn(bus.env);
  const app = await startApp(backend, [count]);
  const shutdown = new AbortController();
  const worker = createTaskWorker({ backend, concurrency: 4, drain: '1s', grace: '500ms' });
  worker.handle(count, async ({ to, pause }, task) => {
    for (let done = 1; done <= to; done++) {
      task.signal.throwIfAborted();
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      task.progress({ done, total: to });
    }
  });
  const working = worker.run({ signal: shutdown.signal });
  return {
    ...app,
    async start(user, to, pause = 0) {
      const response = await app.post(user, '/tasks', { name: count.name, input: { to, pause } });
      return ((await response.json()) as Snapshot).id;
    },
    async close() {
      shutdown.abort();
      await working;
      await app.close();
      await backend.close();
      await bus.stop();
    },
  };
}
