// The bad day, one fault at a time, on real parts: whatever dies after a 202, the owner gets to see an outcome.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Backend } from '../../../backend/backend.ts';
import type { AnyTaskDefinition } from '../../../core/definition.ts';
import type { Snapshot } from '../../../core/snapshot.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, type Follower, startApp, startBus, type TestApp, type TestBus } from '../../support/parts.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../../support/script-process.ts';
import { block, blockLate, deaf, FAULT_TASKS, flaky, late, poison, steps } from './processes/fault-tasks.ts';

jest.setTimeout(40_000);

const STALL_MS = 1_000;
let bus: TestBus;
let backend: Backend;
let app: TestApp;
let bundle: Bundle;
let workers: ScriptProcess[] = [];

beforeAll(async () => {
  bundle = await bundleScript('test/integration/work/processes/fault-worker.ts');
  bus = await startBus();
  backend = backendOn(bus.env);
  app = await startApp(backend, FAULT_TASKS);
}, 60_000);

afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  workers = [];
});

afterAll(async () => {
  await app.close();
  await backend.close();
  await bus.stop();
  bundle.remove();
}, 30_000);

async function startWorker(env: Record<string, string> = {}): Promise<ScriptProcess> {
  const worker = await startScript(bundle, { ...bus.env, STALL_MS: String(STALL_MS), ...env }, 'worker ready');
  workers.push(worker);
  return worker;
}

let users = 0;
/** A task of a fresh user, who follows it live. */
async function start(definition: AnyTaskDefinition, input: unknown) {
  users += 1;
  const owner = `user-${users}`;
  const follower = await app.follow(owner);
  const task = await app.tasks.start(definition, input as never, { owner });
  const id = task.id;
  return {
    id,
    owner,
    follower,
    get: async () => app.tasks.tasks.get(owner, id),
    reaches: (status: Snapshot['status'], within = 15_000) =>
      eventually(
        async () => {
          const snapshot = await app.tasks.tasks.get(owner, id);
          return snapshot.status === status && snapshot;
        },
        { within, that: `${definition.name} to be ${status}` },
      ),
    /** Waits for the outcome, stored and pushed. */
    async ends(within = 15_000): Promise<Snapshot> {
      const stored = await eventually(
        async () => {
          const snapshot = await app.tasks.tasks.get(owner, id);
          return snapshot.finishedAt !== null && snapshot;
        },
        { within, that: `the outcome of ${definition.name}` },
      );
      await eventually(() => statuses(follower).includes(`task.${stored.status}`), {
        within: 10_000,
        that: 'the push of the outcome',
      });
      return stored;
    },
  };
}

function statuses(follower: Follower): string[] {
  return follower.events.map(({ name }) => name);
}

describe('a worker that is killed', () => {
  it('its task shows "attempt 2 of 3" within two stall intervals, and runs again elsewhere', async () => {
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

  it('a task that kills its worker every time ends failed after its attempts, and the others go on', async () => {
    const keepAlive = async () => {
      for (let n = 0; n < 3; n++) await (await startWorker()).exited;
      await startWorker();
    };
    const killer = await start(poison, {});
    const others = keepAlive();
    const failed = await killer.ends(20_000);
    expect(failed).toMatchObject({ status: 'failed', attempt: 3, error: { code: 'worker_lost' } });
    await others;
    const bystander = await start(steps, { steps: 2, ms: 5 });
    expect(await bystander.ends()).toMatchObject({ status: 'succeeded' });
  });
});

/** A worker that is started again whenever it dies, as an operator would; until the returned function is called. */
function keepWorker(): () => void {
  let isOver = false;
  void (async () => {
    while (!isOver) await (await startWorker()).exited;
  })();
  return () => {
    isOver = true;
  };
}

describe('a worker that dies of one of several tasks', () => {
  it('costs the others nothing: they are done on their first attempt, and the one to blame fails', async () => {
    const end = keepWorker();
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
    end();
  }, 120_000);
});

describe('a suspect that waits until it may run alone', () => {
  it('keeps nobody waiting any more once it is called off', async () => {
    const end = keepWorker();
    try {
      const honest = await start(steps, { steps: 600, ms: 100 });
      await honest.reaches('running');
      const killer = await start(poison, {});
      const jobs = async () => (await backend.redis.waitingJobs(poison.name, 0, 100)).jobs;
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
  });
});

describe('a handler that blocks the event loop', () => {
  it('is done once, though there is another worker, and its signs of life go on', async () => {
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
    expect(statuses(task.follower)).not.toContain('task.retrying');
    const said = both.map((worker) => worker.output()).join('');
    expect(said).toMatch(new RegExp(`The event loop was blocked for (8\\.\\d|9\\.\\d) s by block \\(${task.id}\\)`));
  });

  it('beyond its deadline ends with its process, and the others start again at no cost', async () => {
    const end = keepWorker();
    const neighbour = await start(steps, { steps: 20, ms: 100 });
    await neighbour.reaches('running');
    const [victim] = workers;
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
});

describe('a worker that freezes', () => {
  it('can not write once its task runs elsewhere', async () => {
    const frozen = await startWorker();
    const task = await start(steps, { steps: 40, ms: 300 });
    await task.reaches('running');
    await eventually(async () => ((await task.get()).progress?.done ?? 0) > 1);
    frozen.freeze();
    await startWorker();
    await eventually(async () => (await task.get()).attempt === 2 && (await task.get()).status === 'running', {
      within: 10_000,
    });
    frozen.thaw();
    const outcome = await task.ends();
    expect(outcome).toMatchObject({ status: 'succeeded', attempt: 2, result: { attempt: 2 } });
    expectNothingWentBack(task.follower);
  });

  it('goes on with the same attempt when nobody else has taken over', async () => {
    await startWorker();
    const task = await start(block, { ms: 3 * STALL_MS });
    expect(await task.ends()).toMatchObject({ status: 'succeeded', attempt: 1, result: 1 });
    const bystander = await start(steps, { steps: 2, ms: 5 });
    expect(await bystander.ends()).toMatchObject({ status: 'succeeded', attempt: 1 });
  });
});

describe('a worker that is told to stop', () => {
  it('hands back what it can not finish, which starts again at once and costs no attempt', async () => {
    const leaving = await startWorker({ DRAIN_MS: '100' });
    const task = await start(steps, { steps: 10, ms: 200 });
    await task.reaches('running');
    await startWorker();
    const stoppedAt = Date.now();
    expect(await leaving.stop()).toBe(0);
    await eventually(
      () => statuses(task.follower).lastIndexOf('task.running') > statuses(task.follower).indexOf('task.retrying'),
      {
        within: 5_000,
      },
    );
    expect(Date.now() - stoppedAt).toBeLessThan(STALL_MS * 2);
    expect(await task.ends()).toMatchObject({ status: 'succeeded', attempt: 1, attempts: 3, result: { attempt: 1 } });
    expectNothingWentBack(task.follower);
  });

  it('finishes what it can', async () => {
    const leaving = await startWorker({ DRAIN_MS: '5000' });
    const task = await start(steps, { steps: 20, ms: 20 });
    await task.reaches('running');
    expect(await leaving.stop()).toBe(0);
    expect(await task.ends()).toMatchObject({ status: 'succeeded', attempt: 1 });
  });
});

describe('a handler', () => {
  it('that fails is tried again after a pause, with its reason shown', async () => {
    await startWorker();
    const task = await start(flaky, { failures: 2 });
    expect(await task.ends()).toMatchObject({ status: 'succeeded', attempt: 3, result: 3 });
    const again = await start(flaky, { failures: 3 });
    expect(await again.ends()).toMatchObject({ status: 'failed', attempt: 3, error: { message: 'Attempt 3 failed.' } });
  });

  it('that is over its deadline ends failed, at once when it heeds its signal', async () => {
    await startWorker();
    const task = await start(late, { deaf: false });
    expect(await task.ends()).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'deadline', retryable: false },
    });
  });

  it('that heeds nothing is cut off, and its worker replaces itself', async () => {
    const worker = await startWorker();
    const task = await start(late, { deaf: true });
    expect(await task.ends()).toMatchObject({ status: 'failed', error: { code: 'deadline' } });
    expect(await worker.exited).toBe(70);
    expect(worker.output()).toContain('handler_stuck');
  });

  it('that heeds no cancel is cut off after the grace', async () => {
    await startWorker();
    const task = await start(deaf, { ms: 500 });
    await task.reaches('running');
    expect((await app.tasks.tasks.cancel(task.owner, task.id)).status).toBe('cancelling');
    expect(await task.ends(2_000)).toMatchObject({ status: 'cancelled' });
  });
});

describe('cancel', () => {
  it('ends a queued task at once, and no worker starts it', async () => {
    const task = await start(steps, { steps: 1, ms: 1 });
    expect(await app.tasks.tasks.cancel(task.owner, task.id)).toMatchObject({ status: 'cancelled', attempt: 0 });
    await startWorker();
    const other = await start(steps, { steps: 1, ms: 1 });
    await other.ends();
    expect(await task.get()).toMatchObject({ status: 'cancelled', attempt: 0 });
  });

  it('reaches the handler within a second, in whichever worker it runs', async () => {
    await startWorker();
    await startWorker();
    const task = await start(steps, { steps: 1, ms: 60_000 });
    await task.reaches('running');
    await app.tasks.tasks.cancel(task.owner, task.id);
    await task.reaches('cancelled', 1_000);
  });
});

describe('Redis', () => {
  it('restarts with its data: nothing is lost, and no process has to be restarted', async () => {
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
  });

  it('that is away makes accepting answer 503 within 2 s, and the same key afterwards gives one task', async () => {
    await startWorker();
    process.kill(bus.redis.pid, 'SIGSTOP');
    const startedAt = Date.now();
    const refused = app.tasks.start(steps, { steps: 1, ms: 1 }, { owner: 'key-user', idempotencyKey: 'k' });
    const dropped = app.tasks.start(steps, { steps: 1, ms: 1 }, { owner: 'key-user' });
    await expect(refused).rejects.toMatchObject({ code: 'store_unavailable', status: 503, retryAfter: 1 });
    await expect(dropped).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(Date.now() - startedAt).toBeLessThan(2_000);
    process.kill(bus.redis.pid, 'SIGCONT');
    const first = await eventually(() =>
      app.tasks.start(steps, { steps: 1, ms: 1 }, { owner: 'key-user', idempotencyKey: 'k' }),
    );
    await eventually(
      async () => {
        const { tasks } = await app.tasks.tasks.list('key-user');
        expect(tasks.map(({ id, status }) => [id, status])).toEqual([[first.id, 'succeeded']]);
      },
      { within: 10_000 },
    );
  });

  it('that loses its data leaves nothing running', async () => {
    await startWorker();
    const task = await start(steps, { steps: 10_000, ms: 20 });
    await task.reaches('running');
    await bus.redis.restart({ wipe: true });
    await expect(
      eventually(() => task.get().catch((error) => error.code === 'not_found'), { within: 10_000 }),
    ).resolves.toBe(true);
    const after = await eventually(() => start(steps, { steps: 2, ms: 5 }), { within: 10_000 });
    expect(await after.ends()).toMatchObject({ status: 'succeeded' });
  });
});

describe('the bus', () => {
  it('that is away fails no task, and every outcome is pushed when it returns', async () => {
    await startWorker();
    const task = await start(steps, { steps: 5, ms: 20 });
    await task.reaches('running');
    await bus.soketi.kill();
    const done = await task.reaches('succeeded');
    expect(done.attempt).toBe(1);
    await bus.soketi.restart();
    const back = await app.follow(task.owner);
    await eventually(() => statuses(back).includes('task.succeeded'), {
      within: 12_000,
      that: 'the outcome to be pushed',
    });
  });

  it('that was away for seconds is found again though nothing had to arrive: progress goes on', async () => {
    await startWorker();
    const task = await start(steps, { steps: 2_000, ms: 50 });
    await task.reaches('running');
    const doneNow = async () => (await task.get()).progress?.done ?? 0;
    await bus.soketi.kill();
    const before = await doneNow();
    // 4 s of steps: what was to be pushed in that time is given up, and nothing is left that would have to be sent.
    await eventually(async () => (await doneNow()) >= before + 80, { within: 20_000 });
    await bus.soketi.restart();
    const back = await app.follow(task.owner);
    await eventually(() => back.events.filter(({ name }) => name === 'task.running').length >= 5, {
      within: 5_000,
      that: 'progress to be pushed again',
    });
    await app.tasks.tasks.cancel(task.owner, task.id);
    await task.reaches('cancelled');
  });
});

/** Neither the attempt nor, within one, the progress that a page was sent. */
function expectNothingWentBack({ events }: Follower): void {
  const seen = events.map(({ data }) => data).sort((a, b) => a.revision - b.revision);
  let shown = null as { readonly attempt: number; readonly done: number } | null;
  for (const { attempt, progress } of seen) {
    expect(attempt).toBeGreaterThanOrEqual(shown?.attempt ?? 0);
    if (shown?.attempt === attempt && progress) expect(progress.done).toBeGreaterThanOrEqual(shown.done);
    if (progress) shown = { attempt, done: progress.done };
  }
}
