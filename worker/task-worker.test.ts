// A worker with stand-ins for queue, store, heartbeat and time: no Redis, no threads, no waiting.
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Events } from '../backend/events/events.ts';
import { jobIdOf } from '../backend/queue/job.ts';
import { NO_SUSPICION, type Suspicion } from '../backend/recovery/probation.ts';
import type { TaskRecord } from '../backend/store/record.ts';
import type { Change, ChangeOptions } from '../backend/task-changes.ts';
import { defineTask } from '../core/tasks/definition.ts';
import { isFinished, type Snapshot } from '../core/tasks/snapshot.ts';
import { type TaskEvent, transition } from '../core/tasks/transition.ts';
import { FakeTime, settled } from '../test/support/fakes/fake-time.ts';
import { FakeTurns, unavailable } from '../test/support/fakes/fake-worker-ports.ts';
import { recordLog } from '../test/support/log.ts';
import { time as at, newTask } from '../test/support/task-events.ts';
import type { TaskContext } from './context.ts';
import { Looks } from './looks.ts';
import { Worker, type WorkerPorts } from './task-worker.ts';

const work = defineTask({ name: 'work', input: z.any(), attempts: 3 });
const CONCURRENCY = 4;
const GRACE_MS = 1_000;
const DRAIN_MS = 20_000;
const STALL_MS = 5_000;

/** What the handler is at, by task. */
interface AtWork {
  readonly context: TaskContext;
  readonly finish: () => void;
}

function setUp({ isDeaf = false }: { isDeaf?: boolean } = {}) {
  const time = new FakeTime();
  const clock = { iso: (ms = 0) => at((time.elapsed() + ms) / 1_000) };
  const log = recordLog();
  const records = new Map<string, TaskRecord>();
  const calls: string[] = [];
  const atWork = new Map<string, AtWork[]>();
  /** Ids of what the heartbeat knows to run. */
  const running = new Set<string>();
  /** What each call of the store does first; may throw. */
  const trouble: {
    before?: ((what: string) => void) | undefined;
    after?: ((what: string) => void) | undefined;
    onCancel?: (() => void) | undefined;
  } = {};
  let deliver: ((job: string) => Promise<void>) | null = null;
  let isClosed = false;
  let announceCancel: (id: string) => void = () => undefined;

  const apply = async (task: { owner: string; snapshot: Snapshot }, event: TaskEvent, options: ChangeOptions) => {
    trouble.before?.(event.type);
    const record = records.get(task.snapshot.id);
    if (!record) return { ok: false, refusal: 'missing', snapshot: null } satisfies Change;
    if (options.run !== undefined && options.run !== record.run) {
      return { ok: false, refusal: 'stale_attempt', snapshot: null } satisfies Change;
    }
    const moved = transition(record.snapshot, event);
    if (!moved.ok) return { ok: false, refusal: moved.refusal, snapshot: record.snapshot } satisfies Change;
    const { snapshot } = moved;
    const begun = options.start ? { run: record.run + 1, worker: options.start.worker } : {};
    records.set(snapshot.id, { ...record, snapshot, ...begun });
    calls.push(`${event.type} ${snapshot.id}`);
    trouble.after?.(event.type);
    const pushed = isFinished(snapshot);
    return { ok: true, snapshot, watched: false, pushed } satisfies Change;
  };
  const ports: WorkerPorts = {
    time,
    hooks: null,
    clock,
    events: new Events(log),
    random: () => 0,
    changes: { apply, push: () => false },
    turns: new FakeTurns(time),
    looks: new Looks(time),
    accuracy: 0.01,
    store: {
      read: async (id) => {
        trouble.before?.('read');
        return records.get(id) ?? null;
      },
      medianDuration: async () => null,
    },
    queues: {
      consume: async (_name, _options, handler) => {
        deliver = handler;
        return {
          close: async () => {
            isClosed = true;
          },
        };
      },
    },
    onCancel: async (listener) => {
      trouble.onCancel?.();
      announceCancel = listener;
    },
    passProbation: async (_worker, task) => void calls.push(`pass ${task}`),
    startHeartbeat: () => ({
      begin: ({ id }) => void running.add(id),
      end: (id) => void running.delete(id),
      sharedBlockMs: 0,
      stop: async () => void calls.push('heartbeat stopped'),
    }),
    startSweeping: () => undefined,
    clockReady: async () => undefined,
    drainPushes: async () => void calls.push('pushes drained'),
  };
  const worker = new Worker(
    { concurrency: CONCURRENCY, grace: GRACE_MS, drain: DRAIN_MS, stallInterval: STALL_MS },
    ports,
  );
  worker.handle(work, async (_input, context) => {
    await new Promise<void>((finish) => {
      const all = atWork.get(context.id) ?? [];
      atWork.set(context.id, [...all, { context, finish }]);
      if (!isDeaf) context.signal.addEventListener('abort', () => finish());
    });
    if (!isDeaf) context.signal.throwIfAborted();
  });
  const shutdown = new AbortController();
  /** How `run` ended: null while it has not. */
  let ended: 'resolved' | unknown = null;

  return {
    time,
    calls,
    records,
    running,
    trouble,
    log,
    shutdown,
    async start() {
      void worker.run({ signal: shutdown.signal }).then(
        () => {
          ended = 'resolved';
        },
        (error) => {
          ended = error;
        },
      );
      await settled();
    },
    /** A task that waits for its first run. */
    accept(id: string, suspicion: Partial<Suspicion> = {}) {
      const snapshot = newTask({ id, name: work.name });
      records.set(id, {
        snapshot,
        owner: 'ada',
        input: {},
        raw: {},
        run: 0,
        worker: null,
        begunAt: 0,
        handedBackProgress: null,
        suspicion: { ...NO_SUSPICION, ...suspicion },
      });
    },
    /** Delivers a job; answers whether it is off the queue by now, and will be asked again later. */
    async deliver(id: string, run = 1) {
      let isDone = false;
      if (!deliver) throw new Error('the worker takes no jobs');
      void deliver(jobIdOf({ id, run })).then(() => {
        isDone = true;
      });
      await settled();
      return () => isDone;
    },
    async finish(id: string) {
      for (const { finish } of atWork.get(id) ?? []) finish();
      await settled();
    },
    async cancel(id: string) {
      const record = records.get(id);
      if (record) await apply(record, { type: 'cancel', at: clock.iso() }, {});
      announceCancel(id);
      await settled();
    },
    status: (id: string) => records.get(id)?.snapshot.status,
    /** How often the handler was called for a task. */
    handled: (id: string) => atWork.get(id)?.length ?? 0,
    get isClosed() {
      return isClosed;
    },
    get ended() {
      return ended;
    },
  };
}

let world: ReturnType<typeof setUp>;
async function open(options: { isDeaf?: boolean } = {}) {
  world = setUp(options);
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
    expect(calls).toEqual(['start a', 'succeed a']);
  });

  it.each<[string, (world: ReturnType<typeof setUp>) => void, number]>([
    ['whose task is gone', ({ records }) => records.clear(), 1],
    ['of a run that is over', () => undefined, 0],
    ['of a run that is not due yet', () => undefined, 2],
    [
      'whose definition no handler does',
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
    expect(log.find('error', /could not be started/)).toHaveLength(1);
    trouble.before = undefined;
    await time.advance(29_999);
    expect(status('a')).toBe('queued');
    await time.advance(1);
    expect(status('a')).toBe('running');
  });

  it('does not keep the worker from hearing of cancelled tasks later', async () => {
    world = setUp();
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
  const suspect = { shared: 1, lived: 4_000 };

  it('start one after the other, and nothing starts while one is exclusive', async () => {
    const { accept, deliver, time, status, calls } = await open();
    for (const id of ['a', 'b']) accept(id, suspect);
    accept('c');
    for (const id of ['a', 'b', 'c']) await deliver(id);
    expect(['a', 'b', 'c'].map(status)).toEqual(['running', 'queued', 'queued']);
    await time.advance(5_999);
    expect(status('b')).toBe('queued');
    await time.advance(1);
    expect(['a', 'b', 'c'].map(status)).toEqual(['running', 'running', 'queued']);
    expect(calls).toContain('pass a');
    expect(calls).not.toContain('pass b');
  });

  it('leave their place when they end before', async () => {
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
    expect([isDone(), opened.ended]).toEqual([true, 'resolved']);
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
    await opened.time.advance(DRAIN_MS + GRACE_MS + 5_000);
    expect([opened.ended, opened.status('a'), isDone()]).toEqual(['resolved', 'running', false]);
  });

  it('is stopped by a handler that does not return, and says so, since its slot is lost', async () => {
    const opened = await open({ isDeaf: true });
    opened.accept('a');
    await opened.deliver('a');
    await opened.cancel('a');
    await opened.time.advance(2 * GRACE_MS);
    await opened.time.advance(GRACE_MS);
    expect(opened.status('a')).toBe('cancelled');
    expect(opened.ended).toMatchObject({ code: 'handler_stuck' });
    expect(opened.calls).toContain('heartbeat stopped');
  });
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
    world = setUp();
    const worker = new Worker({ concurrency: 1, grace: 1, drain: 1, stallInterval: 500 }, {
      startSweeping: () => undefined,
    } as unknown as WorkerPorts);
    await expect(Promise.resolve().then(() => wrong(worker))).rejects.toThrow(message);
  });
});
