// Machines whose clocks disagree, and are set while they work: what is stored and compared is Redis' time.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Backend } from '../../../backend/backend.ts';
import type { Snapshot } from '../../../core/snapshot.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, startApp, startBus, type TestApp, type TestBus } from '../../support/parts.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../../support/script-process.ts';
import { FAULT_TASKS, flaky, steps } from './processes/fault-tasks.ts';

jest.setTimeout(60_000);

const TWO_MINUTES = 120_000;
const TEN_MINUTES = 600_000;
let bus: TestBus;
let backend: Backend;
let app: TestApp;
let bundle: Bundle;
const workers: ScriptProcess[] = [];

beforeAll(async () => {
  bundle = await bundleScript('test/integration/work/processes/fault-worker.ts');
  bus = await startBus();
  backend = backendOn(bus.env);
  app = await startApp(backend, FAULT_TASKS);
}, 60_000);
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.kill()));
});
afterAll(async () => {
  await app.close();
  await backend.close();
  await bus.stop();
  bundle.remove();
}, 30_000);

async function startWorker(skew: number): Promise<ScriptProcess> {
  const preload = join(REPOSITORY, 'test/integration/work/processes/skewed-clock.cjs');
  const env = { ...bus.env, STALL_MS: '1000', SKEW_MS: String(skew), NODE_OPTIONS: `--require ${preload}` };
  const worker = await startScript(bundle, env, 'worker ready');
  workers.push(worker);
  return worker;
}

const OWNER = 'ada';
const get = (id: string): Promise<Snapshot> => app.tasks.tasks.get(OWNER, id);
const reaches = (id: string, status: Snapshot['status'], within = 10_000) =>
  eventually(
    async () => {
      const task = await get(id);
      return task.status === status && task;
    },
    { within, that: `${id} to be ${status}` },
  );

/** How far the times of a snapshot are from those of Redis, in ms. */
async function distances(task: Snapshot): Promise<number[]> {
  const now = await backend.redis.time();
  return [task.createdAt, task.startedAt, task.signOfLifeAt, task.updatedAt, task.finishedAt].flatMap((at) =>
    at === null ? [] : [Math.abs(Date.parse(at) - now)],
  );
}

describe.each([
  ['two minutes fast', TWO_MINUTES],
  ['two minutes slow', -TWO_MINUTES],
  ['ten minutes slow', -TEN_MINUTES],
])('a worker whose clock is %s', (_what, skew) => {
  it('stores Redis’ times, and goes on doing so when its clock is corrected', async () => {
    const worker = await startWorker(skew);
    const task = await app.tasks.start(steps, { steps: 40, ms: 100 }, { owner: OWNER });
    const running = await reaches(task.id, 'running');
    for (const distance of await distances(running)) expect(distance).toBeLessThan(5_000);
    process.kill(worker.pid, 'SIGUSR2');
    const done = await reaches(task.id, 'succeeded', 15_000);
    for (const distance of await distances(done)) expect(distance).toBeLessThan(20_000);
    expect(Date.parse(done.finishedAt ?? '') - Date.parse(done.startedAt ?? '')).toBeGreaterThan(3_500);
  });

  it('starts what is to be tried again when it is due', async () => {
    const worker = await startWorker(skew);
    const first = await app.tasks.start(flaky, { failures: 2 }, { owner: OWNER });
    expect(await reaches(first.id, 'succeeded', 8_000)).toMatchObject({ attempt: 3 });
    process.kill(worker.pid, 'SIGUSR2');
    const second = await app.tasks.start(flaky, { failures: 2 }, { owner: OWNER });
    expect(await reaches(second.id, 'succeeded', 8_000)).toMatchObject({ attempt: 3 });
  });

  it('that dies is missed in seconds by one whose clock is right', async () => {
    const victim = await startWorker(skew);
    const task = await app.tasks.start(steps, { steps: 30, ms: 1_000 }, { owner: OWNER });
    await reaches(task.id, 'running');
    await startWorker(0);
    await victim.kill();
    await eventually(async () => (await get(task.id)).attempt === 2, { within: 10_000, that: 'the second attempt' });
  });

  it('leaves outcomes that were not pushed to be pushed in seconds', async () => {
    const worker = await startWorker(skew);
    await bus.soketi.kill();
    const task = await app.tasks.start(steps, { steps: 1, ms: 1 }, { owner: OWNER });
    await reaches(task.id, 'succeeded');
    await worker.kill();
    const unpublished = () => backend.redis.unpublished(0, 1_000);
    expect(await unpublished()).toContain(task.id);
    await bus.soketi.restart();
    await eventually(async () => expect(await unpublished()).not.toContain(task.id), { within: 15_000 });
  });
});
