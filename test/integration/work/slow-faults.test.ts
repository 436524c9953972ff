// Faults that take long to show, on real parts. Each test has parts of its own, and they run at the same time, the longest first.
import { expect, it, jest } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { poison, steps } from './processes/fault-tasks.ts';
import { expectNothingWentBack, useFaultWorkers } from './use-fault-workers.ts';

jest.setTimeout(120_000);

const { withOwn } = useFaultWorkers();

it.concurrent(
  'a bus that was away for seconds gets progress again, though no outcome waits to be pushed',
  withOwn(async ({ startWorker, start, bus, app }) => {
    await startWorker();
    const task = await start(steps, { steps: 2_000, ms: 50 });
    await task.reaches('running');
    const doneNow = async () => (await task.get()).progress?.done ?? 0;
    await bus.soketi.kill();
    const before = await doneNow();
    // 80 steps of 50 ms are 4 s. By then the steps that were to be pushed are dropped, and nothing waits to be sent.
    await eventually(async () => (await doneNow()) >= before + 80, { within: 20_000 });
    await bus.soketi.restart();
    const back = await app.follow(task.owner);
    // Steady work is told every 10 s, with its rate.
    await eventually(() => back.events.filter(({ name }) => name === 'task.running').length >= 2, {
      within: 22_000,
      that: 'progress to be pushed again',
    });
    await app.tasks.tasks.cancel(task.owner, task.id);
    await task.reaches('cancelled');
  }),
);

it.concurrent(
  'a worker that dies of one of several tasks fails the task to blame, and the others succeed in their first attempt',
  withOwn(async ({ keepWorker, start }) => {
    const end = keepWorker();
    try {
      const honest = await Promise.all([1, 2, 3].map(() => start(steps, { steps: 20, ms: 200 })));
      for (const task of honest) await task.reaches('running');
      const killer = await start(poison, {});
      const failed = await killer.ends(60_000);
      expect(failed).toMatchObject({
        status: 'failed',
        attempt: 3,
        attempts: 3,
        error: { code: 'worker_lost', message: 'The worker stopped unexpectedly while it was at this task, 3 times.' },
      });
      for (const task of honest) {
        expect(await task.ends(60_000)).toMatchObject({
          status: 'succeeded',
          attempt: 1,
          attempts: 3,
          result: { attempt: 1 },
        });
        expectNothingWentBack(task.follower);
      }
    } finally {
      end();
    }
  }),
);

it.concurrent(
  'a suspect that waits until it may run alone leaves the queue when it is cancelled',
  withOwn(async ({ keepWorker, start, backend, app }) => {
    const end = keepWorker();
    try {
      const honest = await start(steps, { steps: 600, ms: 100 });
      await honest.reaches('running');
      const killer = await start(poison, {});
      const jobs = async () => (await backend.redis.waitingJobs(poison.name, null, 100)).jobs;
      // The first crash has two suspects, so run 2 is attempt 1 again. The second crash is charged to the killer: run 3 is attempt 2.
      await eventually(async () => (await killer.get()).attempt === 2 && (await jobs()).includes(`${killer.id}:3`), {
        within: 20_000,
        that: 'the job of the next run',
      });
      await honest.reaches('running');
      await app.tasks.tasks.cancel(killer.owner, killer.id);
      await eventually(async () => !(await jobs()).some((job) => job.startsWith(killer.id)), {
        within: 10_000,
        that: 'the job to be gone',
      });
      expect((await honest.get()).status).toBe('running');
      await app.tasks.tasks.cancel(honest.owner, honest.id);
      await honest.ends();
    } finally {
      end();
    }
  }),
);

it.concurrent(
  'a task that kills its worker in every attempt fails after its last, and other tasks go on',
  withOwn(async ({ startWorker, start }) => {
    const startFourInTurn = async () => {
      for (let n = 0; n < 3; n++) await (await startWorker()).exited;
      await startWorker();
    };
    const killer = await start(poison, {});
    const workers = startFourInTurn();
    const failed = await killer.ends(20_000);
    expect(failed).toMatchObject({ status: 'failed', attempt: 3, error: { code: 'worker_lost' } });
    await workers;
    const bystander = await start(steps, { steps: 2, ms: 5 });
    expect(await bystander.ends()).toMatchObject({ status: 'succeeded' });
  }),
);
