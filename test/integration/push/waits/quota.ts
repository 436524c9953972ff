// The quota of hosted Pusher is used up: how often a server and a worker ask meanwhile, and what is pushed afterwards. Real
// Redis; the service is a strict stand-in, because tests have no account.
import { expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Backend } from '../../../../backend/backend.ts';
import { defineTask } from '../../../../core/tasks/definition.ts';
import { createTaskServer } from '../../../../server/task-server.ts';
import { createTaskWorker } from '../../../../worker/task-worker.ts';
import { startHostedPusher } from '../../../support/bus/hosted-pusher.ts';
import { eventually } from '../../../support/eventually.ts';
import { backendOn } from '../../../support/parts.ts';
import { startRedis } from '../../../support/redis/redis.ts';

const step = defineTask({ name: 'step', input: z.object({ n: z.number() }) });

/** Registers the test. */
export function testQuota(): void {
  it.concurrent(
    'while the quota of hosted Pusher is used up, each process asks at most every 30 s, and each outcome is pushed once afterwards',
    useUpQuota,
    120_000,
  );
}

async function useUpQuota(): Promise<void> {
  const [redis, hosted] = await Promise.all([startRedis(), startHostedPusher()]);
  hosted.fault = 'over-quota';
  const began = performance.now();
  /** Each backend stands for a process. */
  const [server, workerBackend] = [1, 2].map(() => backendOn({ ...hosted.env, REDIS_URL: redis.url })) as [
    Backend,
    Backend,
  ];
  const tasks = createTaskServer({ backend: server, tasks: [step], identify: () => null });
  const shutdown = new AbortController();
  const worker = createTaskWorker({ backend: workerBackend, concurrency: 4, drain: '100ms' });
  worker.handle(step, async ({ n }, task) => {
    task.progress({ done: 1 });
    return n;
  });
  const working = worker.run({ signal: shutdown.signal });
  const countSucceeded = async (owner: string) =>
    (await tasks.tasks.list(owner, { limit: 100 })).tasks.filter(({ status }) => status === 'succeeded').length;
  try {
    // Each process asks the bus once after its start, and is refused. Tasks are started only after that.
    await eventually(() => server.publisher.isDown && workerBackend.publisher.isDown);
    const asked = hosted.requests.length;
    expect(asked).toBeLessThanOrEqual(2);
    for (let n = 0; n < 30; n++) await tasks.start(step, { n }, { owner: `user-${n % 3}` });
    await eventually(
      async () => {
        expect(await Promise.all(['user-0', 'user-1', 'user-2'].map(countSucceeded))).toEqual([10, 10, 10]);
        // A load balancer that checks four times a second.
        for (const backend of [server, workerBackend])
          expect(await backend.check()).toEqual({ redis: true, push: false });
      },
      { within: 15_000, every: 250 },
    );
    if (performance.now() - began < 30_000) expect(hosted.requests).toHaveLength(asked);

    hosted.fault = null;
    const outcomes = () =>
      hosted.events.flatMap(({ name, data }) =>
        name === 'task.succeeded' ? [(JSON.parse(data) as { id: string }).id] : [],
      );
    await eventually(() => outcomes().length >= 30, { within: 60_000, every: 100 });
    // If an outcome were pushed again, it would be within one round of the sweeper, so wait for one.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(new Set(outcomes()).size).toBe(30);
    expect(outcomes()).toHaveLength(30);
    expect(await workerBackend.check()).toEqual({ redis: true, push: true });
  } finally {
    shutdown.abort();
    await working;
    await Promise.all([server.close(), workerBackend.close()]);
    await Promise.all([redis.stop(), hosted.close()]);
  }
}
