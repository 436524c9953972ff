// Tasks and outcomes that were stored but not pushed are pushed later, on a real Redis and a real Soketi that are stopped and
// started again. Most tests wait, so they run at the same time, the longest first.
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import type { Backend } from '../../../backend/backend.ts';
import { findFreePort } from '../../../cli/processes/ports.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../../core/tasks/transition.ts';
import { eventually } from '../../support/eventually.ts';
import { recordLog } from '../../support/log.ts';
import { backendOn, startBus, type TestBus } from '../../support/parts.ts';
import { FAILURE, newTask, storeChanges } from '../../support/task-events.ts';

jest.setTimeout(60_000);

const OWNER = 'ada';

/** The bus of the tests that leave it as it is. Each has keys of its own. */
let shared: TestBus;
beforeAll(async () => {
  shared = await startBus();
}, 60_000);
afterAll(() => shared.stop(), 30_000);

/** What a test has. */
interface Parts {
  readonly bus: TestBus;
  readonly backend: Backend;
  /** The backends that are closed after the test. A test that closes them itself empties the list. */
  readonly open: Backend[];
  /** Opens one more backend, which is to the sweeper like another process. `env` replaces some variables. */
  connect(env?: Readonly<Record<string, string>>): Backend;
  /** Stores a new task of `ada`, who counts as watched until a webhook says that the last page has gone. */
  accept(): Promise<Snapshot>;
  /** Applies events to a stored task. Resolves with its new state. */
  happen(snapshot: Snapshot, ...events: TaskEvent[]): Promise<Snapshot>;
  /** The ids on the list of what was not pushed, read by the backend `by`. Default: `backend`. */
  unpublished(by?: Backend): Promise<readonly string[]>;
  /** The prefix of the keys of this test. */
  readonly prefix: string;
  /** Makes everything on the list old enough for the sweeper, as if its process had died long ago. */
  letTimePass(): Promise<void>;
}

const now = () => new Date().toISOString();
const start = (): TaskEvent => ({ type: 'start', at: now() });
const fail = (over: object = {}): TaskEvent => ({
  type: 'fail',
  at: now(),
  attempt: 1,
  error: { ...FAILURE, ...over },
});

/** The body of a test. */
type Body = (parts: Parts) => Promise<void>;

async function run(bus: TestBus, test: Body): Promise<void> {
  const prefix = `s${uuid()}:`;
  const open: Backend[] = [];
  const connect: Parts['connect'] = (env = {}) => {
    const one = backendOn({ ...bus.env, ...env }, { prefix, log: recordLog() });
    open.push(one);
    return one;
  };
  const backend = connect();
  try {
    await test({
      ...{ bus, backend, open, connect, prefix },
      async accept() {
        const snapshot = newTask({ id: uuid(), at: now() });
        await backend.store.create({ snapshot, owner: OWNER, input: 1 }, null);
        return snapshot;
      },
      happen: (snapshot, ...events) => storeChanges(backend.store, { snapshot, owner: OWNER }, events),
      unpublished: (by = backend) => by.redis.unpublished(0, 1_000),
      async letTimePass() {
        const key = `${prefix}unpublished`;
        const ids = (await bus.redis.say('ZRANGE', key, '0', '-1')) as string[];
        for (const id of ids) await bus.redis.say('ZADD', key, '1', id);
      },
    });
  } finally {
    await Promise.all(open.splice(0).map((one) => one.close()));
  }
}

/** For a test that leaves the bus as it is. */
const onBus = (test: Body) => () => run(shared, test);

/** For a test that disturbs the bus: it has one of its own. */
const onOwnBus = (test: Body) => async () => {
  const bus = await startBus();
  try {
    await run(bus, test);
  } finally {
    await bus.stop();
  }
};

it.concurrent(
  'an outcome that was not pushed waits in Redis while the bus is away, and is pushed by a process that runs when it is back',
  onOwnBus(async ({ bus, backend, connect, accept, happen, unpublished, letTimePass }) => {
    await bus.soketi.kill();
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    backend.publisher.publish(OWNER, task);
    await eventually(() => backend.publisher.isDown);
    // The process that held the outcome in memory ends.
    backend.publisher.close();
    await letTimePass();

    const other = connect();
    other.sweeper.start();
    await eventually(() => other.publisher.isDown);
    expect(await unpublished()).toEqual([task.id]);
    await bus.soketi.restart();
    await eventually(async () => expect(await unpublished()).toEqual([]), { within: 10_000 });
    expect(other.counters().push_events).toBeGreaterThanOrEqual(1);
    expect(other.publisher.isDown).toBe(false);
  }),
);

it.concurrent(
  'an outcome that was not pushed is pushed by a process that reaches the bus, if the first process does not',
  onBus(async ({ backend, connect, accept, happen, unpublished, letTimePass }) => {
    const cutOff = connect({ PUSHER_PORT: String(await findFreePort()) });
    const first = await happen(await accept(), start(), fail({ retryable: false }));
    await letTimePass();
    cutOff.sweeper.start();
    await eventually(() => cutOff.publisher.isDown);
    backend.sweeper.start();
    await eventually(async () => expect(await unpublished()).toEqual([]), { within: 10_000 });
    expect(backend.eventCounters().outcome.sent).toBe(1);
    expect(cutOff.publisher.isDown).toBe(true);
    expect(first.status).toBe('failed');
  }),
);

it.concurrent(
  'an outcome that was not pushed is sent only once while a slow bus has not answered',
  onBus(async ({ backend, accept, happen, unpublished, letTimePass }) => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    await letTimePass();
    let taken = 0;
    const send = jest.spyOn(backend.bus, 'send').mockImplementation(async (events) => {
      // A probe of the bus (an event for nobody) may come here as well.
      if (events.some(({ name }) => name === 'task.failed')) taken += 1;
      // Longer than several rounds of the sweeper.
      await new Promise((resolve) => setTimeout(resolve, 2_500));
    });
    backend.sweeper.start();
    await eventually(async () => expect(await unpublished()).toEqual([]), { within: 10_000 });
    expect(taken).toBe(1);
    expect(task.status).toBe('failed');
    send.mockRestore();
  }),
);

it.concurrent(
  'the backend reports which of Redis and bus answer',
  onOwnBus(async ({ bus, backend }) => {
    expect(await backend.check()).toEqual({ redis: true, push: true });
    await bus.soketi.kill();
    expect(await backend.check()).toEqual({ redis: true, push: false });
    await bus.soketi.restart();
    await bus.redis.kill();
    expect(await backend.check()).toEqual({ redis: false, push: true });
    await bus.redis.restart();
    await eventually(async () => expect(await backend.check()).toEqual({ redis: true, push: true }));
  }),
);

it.concurrent(
  'a new task whose server froze after the 202 is pushed to a watched owner by the sweeper, and then taken off the list',
  onBus(async ({ backend, accept, unpublished, letTimePass }) => {
    const task = await accept();
    expect(await unpublished()).toEqual([task.id]);
    await letTimePass();
    await backend.sweeper.sweep();
    await eventually(async () => expect(await unpublished()).toEqual([]));
    expect(backend.eventCounters().queued.sent).toBe(1);
  }),
);

it.concurrent(
  'a new task is not put on the list of what was not pushed if its owner is not watched',
  onBus(async ({ backend, accept, unpublished }) => {
    const watched = await accept();
    const channel = backend.channelOf(OWNER);
    await backend.redis.noteWatched(channel, OWNER);
    // A webhook counts only if its time is later than the page's authorization, which is a moment old. A time that is less than
    // 5 s ahead is taken for the present, so this one becomes late enough after a millisecond.
    const vacate = () => backend.redis.noteWebhook(channel, 'vacated', Date.now() + 4_000);
    await eventually(async () => (await vacate()) === 'vacated');
    await accept();
    expect(await unpublished()).toEqual([watched.id]);
  }),
);

it.concurrent(
  'a new task leaves the list once its server has pushed it',
  onBus(async ({ backend, unpublished }) => {
    const snapshot = newTask({ id: uuid(), at: now() });
    await backend.changes.create({ snapshot, owner: OWNER, input: 1 }, null);
    await eventually(async () => expect(await unpublished()).toEqual([]));
    expect(backend.eventCounters().queued.sent).toBe(1);
  }),
);

it.concurrent(
  'a new task whose server froze after the 202, and which runs by now, is pushed once, as running',
  onBus(async ({ backend, accept, happen, unpublished, letTimePass }) => {
    const task = await happen(await accept(), start());
    await letTimePass();
    await backend.sweeper.sweep();
    expect(await unpublished()).toEqual([]);
    await eventually(() => expect(backend.eventCounters().running.sent).toBe(1));
    expect(task.status).toBe('running');
  }),
);

it.concurrent(
  'an outcome that was not pushed is pushed, and then taken off the list',
  onBus(async ({ backend, accept, happen, unpublished, letTimePass }) => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    expect(await unpublished()).toEqual([task.id]);
    await letTimePass();
    await backend.sweeper.sweep();
    await eventually(async () => expect(await unpublished()).toEqual([]));
    expect(backend.counters()).toMatchObject({ push_events: 1, push_failures: 0 });
  }),
);

it.concurrent(
  'an outcome that was not pushed of a task that has expired is taken off the list',
  onBus(async ({ bus, backend, accept, happen, unpublished, prefix, letTimePass }) => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    await bus.redis.say('DEL', `${prefix}task:${task.id}`);
    await letTimePass();
    await backend.sweeper.sweep();
    expect(await unpublished()).toEqual([]);
    expect(backend.counters()).toMatchObject({ push_events: 0 });
  }),
);

it.concurrent(
  'an outcome is taken off the list by the process that pushes it',
  onBus(async ({ backend, accept, happen, unpublished }) => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    backend.publisher.publish(OWNER, task);
    await eventually(async () => expect(await unpublished()).toEqual([]));
  }),
);

it.concurrent(
  'the backend after a flush has pushed everything and emptied the list, so that its process may be frozen',
  onBus(async ({ backend, accept, happen, unpublished }) => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    backend.publisher.publish(OWNER, task);
    await backend.flush();
    expect(backend.counters()).toMatchObject({ push_events: 1 });
    expect(await unpublished()).toEqual([]);
  }),
);

it.concurrent(
  'the backend pushes everything before it closes, and empties the list',
  onBus(async ({ backend, open, connect, accept, happen, unpublished }) => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    backend.publisher.publish(OWNER, task);
    await backend.close();
    open.splice(0);
    expect(backend.counters()).toMatchObject({ push_events: 1 });
    expect(await unpublished(connect())).toEqual([]);
  }),
);

// These promise a time, so each runs alone.

it(
  'the backend is flushed within seconds even while the bus is away',
  onOwnBus(async ({ bus, backend }) => {
    await bus.soketi.kill();
    backend.publisher.publish(OWNER, newTask({ id: uuid(), at: now() }));
    const began = performance.now();
    await backend.flush();
    expect(performance.now() - began).toBeLessThan(4_000);
    await bus.soketi.restart();
  }),
);

it(
  'the backend closes within a few seconds while Redis and bus are away',
  onOwnBus(async ({ bus, backend, open, connect }) => {
    await backend.store.list(OWNER);
    await Promise.all([bus.redis.kill(), bus.soketi.kill()]);
    const fresh = connect();
    fresh.store.list(OWNER).catch(() => undefined);
    for (const one of [backend, fresh]) {
      one.publisher.publish(OWNER, newTask({ id: uuid(), at: now() }));
      const began = performance.now();
      await one.close();
      expect(performance.now() - began).toBeLessThan(5_000);
    }
    open.splice(0);
  }),
);
