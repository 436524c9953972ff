// Concurrency keys on real parts: two servers, and workers that are killed. No task runs beside another one with its key, and none
// waits for ever.
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { createClient } from '@redis/client';
import type { Backend } from '../../../backend/backend.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { createTaskServer, type TaskServer } from '../../../server/task-server.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn } from '../../support/parts.ts';
import { FAULT_TASKS, keyed } from './processes/fault-tasks.ts';
import { useFaultWorkers } from './use-fault-workers.ts';

jest.setTimeout(40_000);

const parts = useFaultWorkers();
let otherBackend: Backend;
let servers: readonly Pick<TaskServer, 'start'>[];

beforeAll(() => {
  otherBackend = backendOn(parts.bus.env);
  servers = [parts.app.tasks, createTaskServer({ backend: otherBackend, tasks: FAULT_TASKS, identify: () => null })];
});
afterAll(() => otherBackend.close());

/** The environment of a worker whose tasks outlast the test: they take ten minutes. */
const ENDLESS = { KEYED_MS: '600000' };
const start = (n: number, key: string) => servers[n % 2]?.start(keyed, { key, ms: 100 }, { owner: `user-${n}` });
async function outcomes(tasks: readonly (Snapshot | undefined)[]): Promise<readonly Snapshot[]> {
  return eventually(
    async () => {
      const all = await Promise.all(tasks.map((task, n) => parts.app.tasks.tasks.get(`user-${n}`, task?.id ?? '')));
      return all.every(({ finishedAt }) => finishedAt !== null) && all;
    },
    { within: 20_000, that: 'all outcomes' },
  );
}
async function expectNothingLeft(): Promise<void> {
  const redis = createClient({ url: parts.bus.env.REDIS_URL ?? '' });
  await redis.connect();
  expect(await redis.keys('inloop:gate*')).toEqual([]);
  redis.destroy();
}

it('a task whose worker is killed keeps its key until it has ended; then the next one starts, whichever server accepted it', async () => {
  const victim = await parts.startWorker(ENDLESS);
  const first = await start(0, 'killed');
  await parts.reaches(first as Snapshot, 'user-0', 'running');
  const tasks = [first, await start(1, 'killed'), await start(2, 'killed')];
  await parts.startWorker();
  await victim.kill();
  const ended = await outcomes(tasks);
  expect(ended.map(({ status, attempt }) => [status, attempt])).toEqual([
    ['succeeded', 2],
    ['succeeded', 1],
    ['succeeded', 1],
  ]);
  for (const n of [1, 2]) expect((ended[n]?.startedAt ?? '') >= (ended[n - 1]?.finishedAt ?? 'z')).toBe(true);
  await expectNothingLeft();
});

it('when every worker has died, those who wait go on as soon as there is one again', async () => {
  const victims = [await parts.startWorker(ENDLESS), await parts.startWorker(ENDLESS)];
  const tasks = [];
  for (let n = 0; n < 4; n++) tasks.push(await start(n, n < 3 ? 'all' : 'other'));
  await parts.reaches(tasks[0] as Snapshot, 'user-0', 'running');
  await parts.reaches(tasks[3] as Snapshot, 'user-3', 'running');
  for (const n of [1, 2])
    expect(await parts.app.tasks.tasks.get(`user-${n}`, tasks[n]?.id ?? '')).toMatchObject({ status: 'queued' });
  for (const victim of victims) await victim.kill();
  await parts.app.tasks.tasks.cancel('user-2', tasks[2]?.id ?? '');
  await parts.startWorker();
  const ended = await outcomes(tasks);
  expect(ended.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'cancelled', 'succeeded']);
  expect((ended[1]?.startedAt ?? '') >= (ended[0]?.finishedAt ?? 'z')).toBe(true);
  await expectNothingLeft();
});
