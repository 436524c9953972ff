// What hosted Pusher would bill besides the events of tasks: calls of its HTTP API, and webhooks. Counted between a server
// and two workers, a real Redis and a real Soketi. docs/cost.md has the prices of these.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { type CountingProxy, startCountingProxy } from '../../support/bus/counting-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, startApp, startBus, type TestApp, type TestBus } from '../../support/parts.ts';

const wait = defineTask({ name: 'wait', input: z.object({}) });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let bus: TestBus;
let api: CountingProxy;
let webhooks: CountingProxy;
/** Each stands for a process: a server and two workers. */
let processes: readonly [Backend, Backend, Backend];
let app: TestApp;
const shutdown = new AbortController();
let working: Promise<unknown>;

beforeAll(async () => {
  webhooks = await startCountingProxy();
  bus = await startBus({ webhooks: `http://127.0.0.1:${webhooks.port}/tasks/webhook` });
  api = await startCountingProxy(`http://127.0.0.1:${bus.soketi.pusher.port}`);
  const env = {
    ...bus.env,
    PUSHER_PORT: String(api.port),
    PUSHER_PUBLIC_HOST: '127.0.0.1',
    PUSHER_PUBLIC_PORT: String(bus.soketi.pusher.port),
  };
  processes = [backendOn(env), backendOn(env), backendOn(env)];
  app = await startApp(processes[0], [wait]);
  webhooks.target = app.url;
  working = Promise.all(
    processes.slice(1).map((backend) => {
      const worker = createTaskWorker({ backend, drain: '100ms', grace: '500ms' });
      // Runs until it is cancelled, and reports nothing.
      worker.handle(wait, (_input, task) => new Promise((_, reject) => task.signal.addEventListener('abort', reject)));
      return worker.run({ signal: shutdown.signal });
    }),
  );
}, 60_000);

afterAll(async () => {
  shutdown.abort();
  await working;
  await app.close();
  await Promise.all(processes.map((backend) => backend.close()));
  await Promise.all([api.close(), webhooks.close(), bus.stop()]);
}, 30_000);

it('each process asks the bus once after its start, and health checks ask no more', async () => {
  // To ask, a process sends an event for nobody. If the bus takes it, push works.
  await eventually(() => api.calls.length === 3, { within: 10_000 });
  for (let round = 0; round < 20; round++) {
    expect(await Promise.all(processes.map((backend) => backend.check()))).toEqual(
      processes.map(() => ({ redis: true, push: true })),
    );
    await pause(100);
  }
  expect(api.calls).toEqual(processes.map(() => expect.stringMatching(/^POST .*\/batch_events$/)));
});

it('nobody asks and nothing is sent while there is nothing to do, though a page is open', async () => {
  api.calls.splice(0);
  const page = await app.follow('ada');
  await eventually(() => webhooks.calls.length === 1);
  // Three rounds of the sweeper, which has one a second.
  await pause(3_500);
  expect(api.calls).toEqual([]);
  page.close();
  await eventually(() => webhooks.calls.length === 2, { within: 10_000 });
  expect(webhooks.calls).toEqual(['POST /tasks/webhook', 'POST /tasks/webhook']);
  // Nothing of this owner runs, so the bus is not asked whether the page is really closed.
  await pause(500);
  expect(api.calls).toEqual([]);
}, 30_000);

it('a task whose owner leaves costs one question whether they are gone, and one event for its outcome', async () => {
  const page = await app.follow('bea');
  const task = await app.tasks.start(wait, {}, { owner: 'bea' });
  await eventually(() => page.events.some(({ name }) => name === 'task.running'), { within: 10_000 });
  api.calls.splice(0);
  page.close();
  const lookUps = () => api.calls.filter((call) => call.startsWith('GET'));
  await eventually(() => lookUps().length === 1, { within: 10_000 });
  await pause(1_000);
  expect(api.calls).toHaveLength(1);
  await app.tasks.tasks.cancel('bea', task.id);
  await eventually(() => api.calls.length >= 2, { within: 10_000 });
  expect(api.calls.slice(1)).toEqual([expect.stringMatching(/^POST .*\/batch_events$/)]);
}, 30_000);
