// What a worker does with jobs, tasks, a store that is away, and a signal to stop. All its ports are stand-ins.
import { afterEach, describe, expect, it } from '@jest/globals';
import { settled } from '../test/support/fakes/fake-time.ts';
import { unavailable } from '../test/support/fakes/fake-worker-ports.ts';
import { DRAIN_MS, GRACE_MS, setUpWorker, work } from '../test/support/fakes/task-worker-setup.ts';
import { Worker } from './task-worker.ts';
import type { WorkerPorts } from './worker-ports.ts';

let world: ReturnType<typeof setUpWorker>;
async function open(options: { isDeaf?: boolean } = {}) {
  world = setUpWorker(options);
  await world.start();
  return world;
}
afterEach(() => world.shutdown.abort());

describe('a job', () => {
  it('is done when its task has ended', async () => {
    const { accept, deliver, finish, calls, status, running } = await open();
    accept('a');
    const isDone = await deliver('a');
    expect([status('a'), isDone(), [...running]]).toEqual(['running', false, ['a']]);
    await finish('a');
    expect([status('a'), isDone(), [...running]]).toEqual(['succeeded', true, []]);
    expect(isDone.withOutcome()).toBe(true);
    expect(calls).toEqual(['start a', 'succeed a']);
  });

  it('that comes with its task is started without asking the store for it', async () => {
    const { accept, deliver, records, trouble, calls } = await open();
    accept('a');
    trouble.before = (what) => {
      if (what === 'read') throw unavailable();
    };
    const snapshot = JSON.stringify(records.get('a')?.snapshot);
    await deliver('a', 1, { snapshot, owner: 'ada', input: '{}', run: '0' });
    expect(calls).toEqual(['start a']);
  });

  it.each<[what: string, change: (world: ReturnType<typeof setUpWorker>) => void, run: number]>([
    ['whose task is gone', ({ records }) => records.clear(), 1],
    ['of a run that is over', () => undefined, 0],
    ['of a run that is not due yet', () => undefined, 2],
    [
      'that this worker has no handler for',
      ({ records }) => {
        const record = records.get('a');
        if (record) records.set('a', { ...record, snapshot: { ...record.snapshot, name: 'other' } });
      },
      1,
    ],
  ])('%s is taken off the queue, and starts nothing', async (_what, change, run) => {
    const opened = await open();
    opened.accept('a');
    change(opened);
    const isDone = await opened.deliver('a', run);
    expect([isDone(), opened.calls, opened.handled('a')]).toEqual([true, [], 0]);
    expect(isDone.withOutcome()).toBe(false);
  });

  it('that is delivered again while its task runs here belongs to the same attempt', async () => {
    const { accept, deliver, finish, handled } = await open();
    accept('a');
    const first = await deliver('a');
    const second = await deliver('a');
    expect([first(), second(), handled('a')]).toEqual([false, false, 1]);
    await finish('a');
    expect([first(), second()]).toEqual([true, true]);
  });
});

describe('a store that is away', () => {
  it('is asked for the task of a job until it answers', async () => {
    const { accept, deliver, time, trouble, status } = await open();
    accept('a');
    trouble.before = () => {
      throw unavailable();
    };
    await deliver('a');
    await time.advance(60_000);
    expect(status('a')).toBe('queued');
    trouble.before = undefined;
    await time.advance(500);
    expect(status('a')).toBe('running');
  });

  it('may have stored the start although its answer got lost: the task runs once', async () => {
    const { accept, deliver, time, trouble, calls, handled } = await open();
    accept('a');
    trouble.after = () => {
      trouble.after = undefined;
      throw unavailable();
    };
    await deliver('a');
    await time.advance(500);
    expect([calls, handled('a')]).toEqual([['start a'], 1]);
  });

  it('is not confused with a bug, which is logged', async () => {
    const { accept, deliver, time, trouble, status, log } = await open();
    accept('a');
    trouble.before = () => {
      throw new TypeError('oops');
    };
    await deliver('a');
    expect(log.find('error', /could not store the start/)).toHaveLength(1);
    trouble.before = undefined;
    // After a bug the start is tried again in 30 s, and not in 0.5 s as while Redis is away.
    await time.advance(29_999);
    expect(status('a')).toBe('queued');
    await time.advance(1);
    expect(status('a')).toBe('running');
  });

  it('does not keep the worker from hearing of cancelled tasks later', async () => {
    world = setUpWorker();
    world.trouble.onCancel = () => {
      world.trouble.onCancel = undefined;
      throw unavailable();
    };
    await world.start();
    world.accept('a');
    await world.deliver('a');
    await world.time.advance(1_000);
    await world.cancel('a');
    expect(world.status('a')).toBe('cancelled');
  });
});

describe('a running task', () => {
  it('that its owner cancels is stopped at once', async () => {
    const { accept, deliver, cancel, status } = await open();
    accept('a');
    const isDone = await deliver('a');
    await cancel('a');
    expect([status('a'), isDone()]).toEqual(['cancelled', true]);
  });

  it('gives a sign of life at least every ten seconds', async () => {
    const { accept, deliver, time, calls } = await open();
    accept('a');
    await deliver('a');
    await time.advance(20_000);
    expect(calls).toEqual(['start a', 'alive a', 'alive a']);
  });
});

describe('tasks whose worker died', () => {
  /** What counts against the tasks: one crash while others ran too, when the task had run for 4 s. */
  const suspect = { shared: 1, lived: 4_000 };

  it('start one after the other, and nothing starts while one is on probation', async () => {
    const { accept, deliver, time, status, calls } = await open();
    for (const id of ['a', 'b']) accept(id, suspect);
    accept('c');
    for (const id of ['a', 'b', 'c']) await deliver(id);
    expect(['a', 'b', 'c'].map(status)).toEqual(['running', 'queued', 'queued']);
    // The probation lasts 1.5 times as long as the suspect had run.
    await time.advance(5_999);
    expect(status('b')).toBe('queued');
    await time.advance(1);
    expect(['a', 'b', 'c'].map(status)).toEqual(['running', 'running', 'queued']);
    expect(calls).toContain('pass a');
    expect(calls).not.toContain('pass b');
  });

  it('make room for others when they end during their probation', async () => {
    const { accept, deliver, finish, status, calls } = await open();
    accept('a', suspect);
    accept('b');
    for (const id of ['a', 'b']) await deliver(id);
    await finish('a');
    expect(['a', 'b'].map(status)).toEqual(['succeeded', 'running']);
    expect(calls).not.toContain('pass a');
  });

  it('wait no longer once they are cancelled', async () => {
    const { accept, deliver, cancel, status, handled } = await open();
    for (const id of ['a', 'b']) accept(id, suspect);
    await deliver('a');
    const isDone = await deliver('b');
    await cancel('b');
    expect([status('b'), isDone(), handled('b')]).toEqual(['cancelled', true, 0]);
  });
});

describe('a worker that is told to stop', () => {
  it('lets tasks finish, and then leaves', async () => {
    const opened = await open();
    opened.accept('a');
    const isDone = await opened.deliver('a');
    opened.shutdown.abort();
    await opened.time.advance(4_000);
    expect([opened.isClosed, opened.status('a'), opened.ended]).toEqual([true, 'running', null]);
    await opened.finish('a');
    expect([opened.status('a'), isDone(), opened.ended]).toEqual(['succeeded', true, 'resolved']);
    expect(opened.calls).toEqual(['start a', 'succeed a', 'pushes drained', 'heartbeat stopped']);
  });

  it('hands back what has not finished after the drain', async () => {
    const opened = await open();
    opened.accept('a');
    const isDone = await opened.deliver('a');
    opened.shutdown.abort();
    await opened.time.advance(DRAIN_MS);
    expect(opened.records.get('a')?.snapshot).toMatchObject({ status: 'retrying', attempt: 1 });
    expect([isDone(), isDone.withOutcome(), opened.ended]).toEqual([true, false, 'resolved']);
  });

  it('starts nothing more: the job stays on the queue', async () => {
    const opened = await open();
    for (const id of ['a', 'b']) opened.accept(id);
    await opened.deliver('a');
    opened.shutdown.abort();
    await settled();
    const isDone = await opened.deliver('b');
    await opened.time.advance(DRAIN_MS + GRACE_MS);
    expect([opened.ended, opened.status('b'), isDone()]).toEqual(['resolved', 'queued', false]);
  });

  it('keeps jobs on the queue whose outcome it could not store', async () => {
    const opened = await open();
    opened.accept('a');
    const isDone = await opened.deliver('a');
    opened.trouble.before = () => {
      throw unavailable();
    };
    opened.shutdown.abort();
    // The last 5 s are for outcomes that are not stored yet.
    await opened.time.advance(DRAIN_MS + GRACE_MS + 5_000);
    expect([opened.ended, opened.status('a'), isDone()]).toEqual(['resolved', 'running', false]);
  });
});

it('a worker ends with an error when a handler does not return after a cancel, since it can never use that room again', async () => {
  const opened = await open({ isDeaf: true });
  opened.accept('a');
  await opened.deliver('a');
  await opened.cancel('a');
  // After two graces the handler counts as stuck. Then the worker waits for its other tasks, for one grace at most.
  await opened.time.advance(2 * GRACE_MS);
  await opened.time.advance(GRACE_MS);
  expect(opened.status('a')).toBe('cancelled');
  expect(opened.ended).toMatchObject({ code: 'handler_stuck' });
  expect(opened.calls).toContain('heartbeat stopped');
});

describe('a worker that is set up wrongly', () => {
  it.each<[string, (worker: Worker) => unknown, RegExp]>([
    ['handles nothing', (worker) => worker.run({ signal: new AbortController().signal }), /before any handle/],
    ['has no signal', (worker) => worker.handle(work, () => undefined).run({} as never), /expects an AbortSignal/],
    [
      'handles one definition twice',
      (worker) => {
        worker.handle(work, () => undefined).handle(work, () => undefined);
      },
      /called twice/,
    ],
    ['has a handler that is no function', (worker) => worker.handle(work, 1 as never), /expects a function/],
    [
      'has a definition that defineTask did not make',
      (worker) => worker.handle({} as never, (() => undefined) as never),
      /as defineTask gives it/,
    ],
  ])('that %s is refused', async (_what, wrong, message) => {
    world = setUpWorker();
    const worker = new Worker({ concurrency: 1, grace: 1, drain: 1, stallInterval: 500 }, {
      startSweeping: () => undefined,
    } as unknown as WorkerPorts);
    await expect(Promise.resolve().then(() => wrong(worker))).rejects.toThrow(message);
  });
});
