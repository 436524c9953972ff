// Workers whose clocks are wrong, and are corrected while they work. All times that are stored and compared are Redis' time.
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { eventually } from '../../support/eventually.ts';
import type { ScriptProcess } from '../../support/processes/script-process.ts';
import { flaky, steps } from './processes/fault-tasks.ts';
import { useFaultWorkers } from './use-fault-workers.ts';

jest.setTimeout(60_000);

const TWO_MINUTES = 120_000;
const TEN_MINUTES = 600_000;
const parts = useFaultWorkers();

/** Starts a worker whose clock is `skew` ms ahead. */
function startSkewedWorker(skew: number): Promise<ScriptProcess> {
  const preload = join(REPOSITORY, 'test/integration/work/processes/skewed-clock.cjs');
  return parts.startWorker({ SKEW_MS: String(skew), NODE_OPTIONS: `--require ${preload}` });
}

const OWNER = 'ada';
const get = (id: string): Promise<Snapshot> => parts.app.tasks.tasks.get(OWNER, id);
const reaches = (id: string, status: Snapshot['status'], within = 10_000) =>
  parts.reaches({ id }, OWNER, status, within);

/** How far the times of a snapshot are from those of Redis, in ms. */
async function distances(task: Snapshot): Promise<number[]> {
  const now = await parts.backend.redis.time();
  return [task.createdAt, task.startedAt, task.signOfLifeAt, task.updatedAt, task.finishedAt].flatMap((at) =>
    at === null ? [] : [Math.abs(Date.parse(at) - now)],
  );
}

describe.each([
  ['two minutes fast', TWO_MINUTES],
  ['two minutes slow', -TWO_MINUTES],
  ['ten minutes slow', -TEN_MINUTES],
])('a worker whose clock is %s', (_what, skew) => {
  it('stores Redis’ times, before and after its clock is corrected', async () => {
    const worker = await startSkewedWorker(skew);
    const task = await parts.app.tasks.start(steps, { steps: 40, ms: 100 }, { owner: OWNER });
    const running = await reaches(task.id, 'running');
    for (const distance of await distances(running)) expect(distance).toBeLessThan(5_000);
    process.kill(worker.pid, 'SIGUSR2');
    const done = await reaches(task.id, 'succeeded', 15_000);
    for (const distance of await distances(done)) expect(distance).toBeLessThan(20_000);
    expect(Date.parse(done.finishedAt ?? '') - Date.parse(done.startedAt ?? '')).toBeGreaterThan(3_500);
  });

  it('starts the next attempts when they are due', async () => {
    const worker = await startSkewedWorker(skew);
    const first = await parts.app.tasks.start(flaky, { failures: 2 }, { owner: OWNER });
    expect(await reaches(first.id, 'succeeded', 8_000)).toMatchObject({ attempt: 3 });
    process.kill(worker.pid, 'SIGUSR2');
    const second = await parts.app.tasks.start(flaky, { failures: 2 }, { owner: OWNER });
    expect(await reaches(second.id, 'succeeded', 8_000)).toMatchObject({ attempt: 3 });
  });

  it('that dies is replaced within seconds by a worker whose clock is right', async () => {
    const victim = await startSkewedWorker(skew);
    const task = await parts.app.tasks.start(steps, { steps: 30, ms: 1_000 }, { owner: OWNER });
    await reaches(task.id, 'running');
    await startSkewedWorker(0);
    await victim.kill();
    await eventually(async () => (await get(task.id)).attempt === 2, { within: 10_000, that: 'the second attempt' });
  });

  it('records outcomes that could not be pushed, so that they are pushed within seconds', async () => {
    const worker = await startSkewedWorker(skew);
    await parts.bus.soketi.kill();
    const task = await parts.app.tasks.start(steps, { steps: 1, ms: 1 }, { owner: OWNER });
    await reaches(task.id, 'succeeded');
    await worker.kill();
    const unpublished = () => parts.backend.redis.unpublished(0, 1_000);
    expect(await unpublished()).toContain(task.id);
    await parts.bus.soketi.restart();
    await eventually(async () => expect(await unpublished()).not.toContain(task.id), { within: 15_000 });
  });
});
