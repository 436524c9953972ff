// The quota of hosted Pusher is used up: how often a server and a worker ask meanwhile, and what is pushed afterwards. Real
// Redis; the service is a strict stand-in, because tests have no account.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import { createTaskServer, type TaskServer } from '../../../server/task-server.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { type HostedPusher, startHostedPusher } from '../../support/bus/hosted-pusher.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn } from '../../support/parts.ts';
import { startRedis, type TestRedis } from '../../support/redis/redis.ts';

const step = defineTask({ name: 'step', input: z.object({ n: z.number() }) });

let redis: TestRedis;
let hosted: HostedPusher;
/** Each backend stands for a process. */
let server: Backend;
let workerBackend: Backend;
let tasks: TaskServer;
const shutdown = new AbortController();
let working: Promise<void>;
let letFirstEnd: () => void = () => undefined;
const firstMayEnd = new Promise<void>((resolve) => {
  letFirstEnd = resolve;
});

beforeAll(async () => {
  [redis, hosted] = await Promise.all([startRedis(), startHostedPusher()]);
  server = backendOn({ ...hosted.env, REDIS_URL: redis.url });
  workerBackend = backendOn({ ...hosted.env, REDIS_URL: redis.url });
  tasks = createTaskServer({ backend: server, tasks: [step], identify: () => null });
  const worker = createTaskWorker({ backend: workerBackend, concurrency: 4, drain: '100ms' });
  worker.handle(step, async ({ n }, task) => {
    task.progress({ done: 1 });
    if (n === 0) await firstMayEnd;
    return n;
  });
  working = worker.run({ signal: shutdown.signal });
}, 60_000);

afterAll(async () => {
  shutdown.abort();
  await working;
  await Promise.all([server.close(), workerBackend.close()]);
  await Promise.all([redis.stop(), hosted.close()]);
}, 30_000);

const ended = async (owner: string) =>
  (await tasks.tasks.list(owner, { limit: 100 })).tasks.filter(({ status }) => status === 'succeeded').length;

it('each process asks at most every 30 s, and each outcome is pushed once afterwards', async () => {
  hosted.fault = 'over-quota';
  const began = performance.now();
  await tasks.start(step, { n: 0 }, { owner: 'ada' });
  await eventually(() => server.publisher.isDown && workerBackend.publisher.isDown, { within: 10_000 });
  const asked = hosted.requests.length;
  // Not earlier: until a process has its first refusal it may send something else, the more the slower the machine is.
  letFirstEnd();
  for (let n = 1; n < 30; n++) await tasks.start(step, { n }, { owner: `user-${n % 3}` });
  await eventually(
    async () => {
      expect(await Promise.all(['ada', 'user-0', 'user-1', 'user-2'].map(ended))).toEqual([1, 9, 10, 10]);
      // A load balancer that checks four times a second.
      for (const backend of [server, workerBackend])
        expect(await backend.check()).toEqual({ redis: true, push: false });
    },
    { within: 15_000, every: 250 },
  );
  expect(asked).toBeLessThanOrEqual(2);
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
}, 120_000);
