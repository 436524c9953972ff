// One fault at a time, on real parts: whatever dies after a 202, the owner gets to see an outcome.
import { expect, it, jest } from '@jest/globals';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../support/eventually.ts';
import { deaf, flaky, late, rows, steps } from './processes/fault-tasks.ts';
import { eventNamesOf, expectNothingWentBack, STALL_MS, useFaultWorkers } from './use-fault-workers.ts';

jest.setTimeout(60_000);

const parts = useFaultWorkers();
const { startWorker, start, withOwn } = parts;

// Most of the time of these is waiting. Each has parts of its own, and they run at the same time.

it.concurrent(
  'a task whose worker is killed goes on from the last stored checkpoint: no row is lost or counted twice, and the bar does not go back',
  withOwn(async ({ startWorker, start }) => {
    const victim = await startWorker();
    const task = await start(rows, { rows: 150, ms: 20 });
    await eventually(async () => ((await task.get()).progress?.done ?? 0) > 40, { within: 10_000 });
    await victim.kill();
    const { progress: before } = await task.get();
    await startWorker();
    const again = await eventually(
      async () => {
        const { attempt, progress } = await task.get();
        return attempt === 2 && progress;
      },
      { within: 15_000 },
    );
    expect(again.done).toBeGreaterThanOrEqual(before?.done ?? 0);
    const { result } = await task.ends();
    expect(result).toMatchObject({ sum: (150 * 151) / 2 });
    // A second of work, which is 50 rows of 20 ms, was done again at most.
    expect((result as { from: number }).from).toBeGreaterThan((before?.done ?? 0) - 50);
    const shown = task.follower.events.flatMap(({ data }) => (data as Snapshot).progress?.done ?? []);
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
  }),
);

it.concurrent(
  'a worker that is told to stop finishes a task that ends in time',
  withOwn(async ({ startWorker, start }) => {
    const leaving = await startWorker({ DRAIN_MS: '5000' });
    const task = await start(steps, { steps: 20, ms: 20 });
    await task.reaches('running');
    expect(await leaving.stop()).toBe(0);
    expect(await task.ends()).toMatchObject({ status: 'succeeded', attempt: 1 });
  }),
);

it.concurrent(
  'a handler that fails is tried again after a pause, with its reason shown',
  withOwn(async ({ startWorker, start }) => {
    await startWorker();
    const task = await start(flaky, { failures: 2 });
    expect(await task.ends()).toMatchObject({ status: 'succeeded', attempt: 3, result: 3 });
    const again = await start(flaky, { failures: 3 });
    expect(await again.ends()).toMatchObject({ status: 'failed', attempt: 3, error: { message: 'Attempt 3 failed.' } });
  }),
);

it.concurrent(
  'a handler that stops when its deadline passes: its task fails at once',
  withOwn(async ({ startWorker, start }) => {
    await startWorker();
    const task = await start(late, { deaf: false });
    expect(await task.ends()).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'deadline', retryable: false },
    });
  }),
);

it.concurrent(
  'a handler that ignores its deadline: its task fails, and its worker ends with exit code 70',
  withOwn(async ({ startWorker, start }) => {
    const worker = await startWorker();
    const task = await start(late, { deaf: true });
    expect(await task.ends()).toMatchObject({ status: 'failed', error: { code: 'deadline' } });
    expect(await worker.exited).toBe(70);
    expect(worker.output()).toContain('handler_stuck');
  }),
);

it.concurrent(
  'cancel ends a queued task at once, and no worker starts it',
  withOwn(async ({ startWorker, start, app }) => {
    const task = await start(steps, { steps: 1, ms: 1 });
    expect(await app.tasks.tasks.cancel(task.owner, task.id)).toMatchObject({ status: 'cancelled', attempt: 0 });
    await startWorker();
    const other = await start(steps, { steps: 1, ms: 1 });
    await other.ends();
    expect(await task.get()).toMatchObject({ status: 'cancelled', attempt: 0 });
  }),
);

it.concurrent(
  'Redis that restarts with its data loses no task, and no process has to be restarted',
  withOwn(async ({ startWorker, start, bus }) => {
    await startWorker();
    const before = await start(steps, { steps: 60, ms: 50 });
    await before.reaches('running');
    await bus.redis.kill();
    await bus.redis.restart();
    const after = await eventually(() => start(steps, { steps: 2, ms: 5 }), { within: 10_000 });
    expect(await after.ends()).toMatchObject({ status: 'succeeded' });
    expect(await before.ends()).toMatchObject({ status: 'succeeded' });
    const retried = await start(flaky, { failures: 1 });
    expect(await retried.ends(6_000)).toMatchObject({ status: 'succeeded', attempt: 2 });
  }),
);

it.concurrent(
  'Redis that loses its data: the lost task is not found, and new tasks run',
  withOwn(async ({ startWorker, start, bus }) => {
    await startWorker();
    const task = await start(steps, { steps: 10_000, ms: 20 });
    await task.reaches('running');
    await bus.redis.restart({ wipe: true });
    await expect(
      eventually(() => task.get().catch((error) => error.code === 'not_found'), { within: 10_000 }),
    ).resolves.toBe(true);
    const after = await eventually(() => start(steps, { steps: 2, ms: 5 }), { within: 10_000 });
    expect(await after.ends()).toMatchObject({ status: 'succeeded' });
  }),
);

it.concurrent(
  'the bus that is away fails no task, and every outcome is pushed when it returns',
  withOwn(async ({ startWorker, start, bus, app }) => {
    const worker = await startWorker();
    const task = await start(steps, { steps: 5, ms: 20 });
    await task.reaches('running');
    await bus.soketi.kill();
    const done = await task.reaches('succeeded');
    expect(done.attempt).toBe(1);
    // The worker, which has the outcome to push, waits until there is a page to get it.
    worker.freeze();
    await bus.soketi.restart();
    const back = await app.follow(task.owner);
    worker.thaw();
    await eventually(() => eventNamesOf(back).includes('task.succeeded'), {
      within: 12_000,
      that: 'the outcome to be pushed',
    });
  }),
);

// These promise a time, so each runs alone.

it('a worker that is killed loses its task within two stall intervals: the page shows attempt 2 of 3, and another worker runs it', async () => {
  const victim = await startWorker();
  const task = await start(steps, { steps: 30, ms: 1_000 });
  await task.reaches('running');
  await startWorker();
  await victim.kill();
  const killedAt = Date.now();
  const retrying = await eventually(() => task.follower.events.find(({ name }) => name === 'task.retrying'), {
    within: 2 * STALL_MS + 500,
  });
  expect(Date.now() - killedAt).toBeLessThanOrEqual(2 * STALL_MS + 300);
  expect(retrying.data).toMatchObject({ attempt: 2, attempts: 3, progress: null, error: { code: 'worker_lost' } });
  expect(await task.ends()).toMatchObject({ status: 'succeeded', attempt: 2, result: { steps: 30, attempt: 2 } });
});

it('a worker that is told to stop hands back a task that it cannot finish, which starts again at once in the same attempt', async () => {
  const leaving = await startWorker({ DRAIN_MS: '100' });
  const task = await start(steps, { steps: 10, ms: 200 });
  await task.reaches('running');
  await startWorker();
  const stoppedAt = Date.now();
  expect(await leaving.stop()).toBe(0);
  await eventually(
    () =>
      eventNamesOf(task.follower).lastIndexOf('task.running') > eventNamesOf(task.follower).indexOf('task.retrying'),
    {
      within: 5_000,
    },
  );
  expect(Date.now() - stoppedAt).toBeLessThan(STALL_MS * 2);
  expect(await task.ends()).toMatchObject({ status: 'succeeded', attempt: 1, attempts: 3, result: { attempt: 1 } });
  expectNothingWentBack(task.follower);
});

it('a handler that ignores a cancel: its task is cancelled after the grace period', async () => {
  await startWorker();
  const task = await start(deaf, { ms: 500 });
  await task.reaches('running');
  expect((await parts.app.tasks.tasks.cancel(task.owner, task.id)).status).toBe('cancelling');
  expect(await task.ends(2_000)).toMatchObject({ status: 'cancelled' });
});

it('cancel reaches the handler within a second, in whichever worker it runs', async () => {
  await startWorker();
  await startWorker();
  const task = await start(steps, { steps: 1, ms: 60_000 });
  await task.reaches('running');
  await parts.app.tasks.tasks.cancel(task.owner, task.id);
  await task.reaches('cancelled', 1_000);
});

it('Redis that is away makes a start answer 503 within 2 s; the same key afterwards gives one task', async () => {
  await startWorker();
  process.kill(parts.bus.redis.pid, 'SIGSTOP');
  const startedAt = Date.now();
  const refused = parts.app.tasks.start(steps, { steps: 1, ms: 1 }, { owner: 'key-user', idempotencyKey: 'k' });
  const dropped = parts.app.tasks.start(steps, { steps: 1, ms: 1 }, { owner: 'key-user' });
  await expect(refused).rejects.toMatchObject({ code: 'store_unavailable', status: 503, retryAfter: 1 });
  await expect(dropped).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(Date.now() - startedAt).toBeLessThan(2_000);
  process.kill(parts.bus.redis.pid, 'SIGCONT');
  const first = await eventually(() =>
    parts.app.tasks.start(steps, { steps: 1, ms: 1 }, { owner: 'key-user', idempotencyKey: 'k' }),
  );
  await eventually(
    async () => {
      const { tasks } = await parts.app.tasks.tasks.list('key-user');
      expect(tasks.map(({ id, status }) => [id, status])).toEqual([[first.id, 'succeeded']]);
    },
    { within: 10_000 },
  );
});
