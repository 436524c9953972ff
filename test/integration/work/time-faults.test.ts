// Workers for which time goes wrong: their clocks are wrong and are corrected, their event loop is blocked, or they are frozen. All
// times that are stored and compared are Redis' time.
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { eventually } from '../../support/eventually.ts';
import type { ScriptProcess } from '../../support/processes/script-process.ts';
import { block, blockLate, flaky, steps } from './processes/fault-tasks.ts';
import {
  eventNamesOf,
  expectNothingWentBack,
  type FaultParts,
  STALL_MS,
  useFaultWorkers,
} from './use-fault-workers.ts';

jest.setTimeout(60_000);

const TWO_MINUTES = 120_000;
const TEN_MINUTES = 600_000;
const parts = useFaultWorkers();
const { startWorker, start, keepWorker, withOwn } = parts;

/** Starts a worker whose clock is `skew` ms ahead. SIGUSR2 corrects its clock. */
function startSkewedWorker(parts: FaultParts, skew: number): Promise<ScriptProcess> {
  const preload = join(REPOSITORY, 'test/integration/work/processes/skewed-clock.cjs');
  return parts.startWorker({ SKEW_MS: String(skew), NODE_OPTIONS: `--require ${preload}` });
}

const OWNER = 'ada';
const reaches = (parts: FaultParts, id: string, status: Snapshot['status'], within = 10_000) =>
  parts.reaches({ id }, OWNER, status, within);

/** How far the times of a snapshot are from those of Redis, in ms. */
async function distances({ backend }: FaultParts, task: Snapshot): Promise<number[]> {
  const now = await backend.redis.time();
  return [task.createdAt, task.startedAt, task.signOfLifeAt, task.updatedAt, task.finishedAt].flatMap((at) =>
    at === null ? [] : [Math.abs(Date.parse(at) - now)],
  );
}

const CLOCKS: readonly [clock: string, skew: number][] = [
  ['two minutes fast', TWO_MINUTES],
  ['two minutes slow', -TWO_MINUTES],
  ['ten minutes slow', -TEN_MINUTES],
];

// Each with parts of its own, at the same time, the longest first.
it.concurrent(
  'a worker that freezes cannot write once its task runs in another worker',
  withOwn(async ({ startWorker, start }) => {
    const frozen = await startWorker();
    const task = await start(steps, { steps: 40, ms: 300 });
    await task.reaches('running');
    await eventually(async () => (await task.get()).progress !== null);
    frozen.freeze();
    await startWorker();
    // How soon a task is taken over is promised in faults.test.ts. The second attempt takes 1.4 s, so on a slow machine this test
    // may first see it when it has ended.
    await eventually(
      async () =>
        expect(await task.get()).toMatchObject({ attempt: 2, status: expect.stringMatching(/^(running|succeeded)$/) }),
      { within: 25_000 },
    );
    frozen.thaw();
    const outcome = await task.ends();
    expect(outcome).toMatchObject({ status: 'succeeded', attempt: 2, result: { attempt: 2 } });
    expectNothingWentBack(task.follower);
  }),
);

it.concurrent.each(CLOCKS)(
  'a worker whose clock is %s stores Redis’ times, before and after its clock is corrected',
  (_clock, skew) =>
    withOwn(async (own) => {
      const worker = await startSkewedWorker(own, skew);
      const task = await own.app.tasks.start(steps, { steps: 40, ms: 100 }, { owner: OWNER });
      const running = await reaches(own, task.id, 'running');
      // Far less than the two minutes by which the clock is wrong, and more than a slow machine needs.
      for (const distance of await distances(own, running)) expect(distance).toBeLessThan(5_000);
      process.kill(worker.pid, 'SIGUSR2');
      const done = await reaches(own, task.id, 'succeeded', 15_000);
      for (const distance of await distances(own, done)) expect(distance).toBeLessThan(20_000);
      // 40 steps of 100 ms, less what timers may be early.
      expect(Date.parse(done.finishedAt ?? '') - Date.parse(done.startedAt ?? '')).toBeGreaterThan(3_500);
    })(),
);

it.concurrent.each(CLOCKS)('a worker whose clock is %s starts the next attempts when they are due', (_clock, skew) =>
  withOwn(async (own) => {
    const worker = await startSkewedWorker(own, skew);
    const first = await own.app.tasks.start(flaky, { failures: 2 }, { owner: OWNER });
    expect(await reaches(own, first.id, 'succeeded', 8_000)).toMatchObject({ attempt: 3 });
    process.kill(worker.pid, 'SIGUSR2');
    const second = await own.app.tasks.start(flaky, { failures: 2 }, { owner: OWNER });
    expect(await reaches(own, second.id, 'succeeded', 8_000)).toMatchObject({ attempt: 3 });
  })(),
);

it.concurrent.each(CLOCKS)(
  'a worker whose clock is %s that dies is replaced within seconds by a worker whose clock is right',
  (_clock, skew) =>
    withOwn(async (own) => {
      const victim = await startSkewedWorker(own, skew);
      const task = await own.app.tasks.start(steps, { steps: 30, ms: 1_000 }, { owner: OWNER });
      await reaches(own, task.id, 'running');
      await startSkewedWorker(own, 0);
      await victim.kill();
      await eventually(async () => (await own.app.tasks.tasks.get(OWNER, task.id)).attempt === 2, {
        within: 10_000,
        that: 'the second attempt',
      });
    })(),
);

it.concurrent.each(CLOCKS)(
  'a worker whose clock is %s records outcomes that could not be pushed, so that they are pushed within seconds',
  (_clock, skew) =>
    withOwn(async (own) => {
      const worker = await startSkewedWorker(own, skew);
      await own.bus.soketi.kill();
      const task = await own.app.tasks.start(steps, { steps: 1, ms: 1 }, { owner: OWNER });
      await reaches(own, task.id, 'succeeded');
      await worker.kill();
      const unpublished = () => own.backend.redis.unpublished(0, 1_000);
      expect(await unpublished()).toContain(task.id);
      await own.bus.soketi.restart();
      await eventually(async () => expect(await unpublished()).not.toContain(task.id), { within: 15_000 });
    })(),
);

// One after another, since a blocked event loop takes a core.
describe('a handler that blocks the event loop', () => {
  it('runs once, though there is another worker, and its signs of life go on', async () => {
    const both = [await startWorker(), await startWorker()];
    const task = await start(block, { ms: 9 * STALL_MS });
    const running = await task.reaches('running');
    const since = Date.parse(running.signOfLifeAt ?? '');
    await eventually(async () => Date.parse((await task.get()).signOfLifeAt ?? '') > since + 4_000, {
      within: 8_500,
      that: 'a sign of life during the block',
    });
    expect((await task.get()).status).toBe('running');
    expect(await task.ends()).toMatchObject({ status: 'succeeded', attempt: 1, attempts: 3, result: 1 });
    expect(eventNamesOf(task.follower)).not.toContain('task.retrying');
    const said = both.map((worker) => worker.output()).join('');
    expect(said).toMatch(new RegExp(`The event loop was blocked for (8\\.\\d|9\\.\\d) s by block \\(${task.id}\\)`));
  });

  it('beyond its deadline is ended with its process, and other tasks start again in the same attempt', async () => {
    const end = keepWorker();
    const neighbour = await start(steps, { steps: 20, ms: 100 });
    await neighbour.reaches('running');
    const [victim] = parts.workers;
    const task = await start(blockLate, { ms: 60_000 });
    expect(await task.ends()).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'deadline', retryable: false },
    });
    await victim?.exited;
    expect(victim?.output()).toMatch(
      new RegExp(`The event loop was blocked for .* beyond the deadline of block-late \\(${task.id}\\)`),
    );
    expect(await neighbour.ends()).toMatchObject({ status: 'succeeded', attempt: 1, attempts: 3 });
    end();
  });

  it('for a while goes on with the same attempt if no other worker has taken the task over', async () => {
    await startWorker();
    const task = await start(block, { ms: 3 * STALL_MS });
    expect(await task.ends()).toMatchObject({ status: 'succeeded', attempt: 1, result: 1 });
    const bystander = await start(steps, { steps: 2, ms: 5 });
    expect(await bystander.ends()).toMatchObject({ status: 'succeeded', attempt: 1 });
  });
});
