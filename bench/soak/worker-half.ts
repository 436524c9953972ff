// The worker process of the soak run.
import { setTimeout as pause } from 'node:timers/promises';
import { createTaskWorker } from '../../worker/task-worker.ts';
import { child, keyed, work } from './definitions.ts';
import { type Half, openBackend, type SoakEnv } from './server-half.ts';

/** Thrown by handlers of tasks that have to fail. */
class ExpectedFailure extends Error {
  override readonly name = 'ExpectedFailure';
}

/** Starts a worker whose handlers do what the `kind` of a task says. Resolves when it runs. */
export async function startWorkerHalf(env: SoakEnv): Promise<Half> {
  const backend = openBackend(env);
  const ending = new AbortController();
  const worker = createTaskWorker({ backend, concurrency: 20, drain: '1s', grace: '500ms', stallInterval: '1s' });
  worker.handle(work, async ({ kind, n }, task) => {
    task.stage('read');
    for (let done = 1; done <= 5; done++) {
      task.progress({ done, total: 5, skipped: 1 });
      task.checkpoint({ done });
      await pause(1);
    }
    task.stage('save');
    if (kind === 'fails') throw Object.assign(new ExpectedFailure('It was to fail.'), { retryable: false });
    if (kind === 'retries' && task.attempt === 1) throw new ExpectedFailure('This attempt was to fail.');
    if (kind === 'waits') await pause(60_000, undefined, { signal: task.signal });
    if (kind === 'parent') for (const part of [1, 2]) await task.start(child, { n: n * 10 + part });
    return { n, text: 'x'.repeat(100) };
  });
  worker.handle(keyed, async ({ n }, task) => {
    task.progress({ done: 0, total: 1 });
    await pause(5);
    return { n };
  });
  worker.handle(child, async ({ n }) => ({ n }));
  worker.onOutcome(async () => undefined);
  await backend.check();
  const running = worker.run({ signal: ending.signal });
  return {
    longLived: [process, ending.signal],
    async close() {
      ending.abort();
      await running;
      await backend.close();
    },
  };
}
