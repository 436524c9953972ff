// What is left half done is finished, on a real Redis and a real Soketi that are taken away and given back.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createClient } from '@redis/client';
import { v7 as uuid } from 'uuid';
import type { Snapshot } from '../core/snapshot.ts';
import type { TaskEvent } from '../core/transition.ts';
import { eventually } from '../test/support/eventually.ts';
import { recordLog } from '../test/support/log.ts';
import { backendOn, startBus, type TestBus } from '../test/support/parts.ts';
import { FAILURE, newTask } from '../test/support/task-events.ts';
import type { Backend } from './backend.ts';

jest.setTimeout(60_000);

const OWNER = 'ada';
let bus: TestBus;
let backend: Backend;
let prefix: string;
let delivered: string[];
const open: Backend[] = [];

/** One more process, as far as the sweeper is concerned. */
function connect(): Backend {
  const one = backendOn(bus.env, { prefix, log: recordLog() });
  open.push(one);
  return one;
}

beforeAll(async () => {
  bus = await startBus();
});
afterAll(() => bus.stop());
beforeEach(() => {
  prefix = `s${uuid()}:`;
  delivered = [];
  backend = connect();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const now = () => new Date().toISOString();

async function accept(): Promise<Snapshot> {
  const snapshot = newTask({ id: uuid(), at: now() });
  await backend.store.create({ snapshot, owner: OWNER, input: 1 }, null);
  return snapshot;
}

async function happen(task: Snapshot, ...events: TaskEvent[]): Promise<Snapshot> {
  let snapshot = task;
  for (const event of events) {
    const applied = await backend.store.apply({ snapshot, owner: OWNER }, event);
    if (!applied.ok) throw new Error(`${event.type} was refused: ${applied.refusal}`);
    snapshot = applied.snapshot;
  }
  return snapshot;
}

const start = (): TaskEvent => ({ type: 'start', at: now() });
const fail = (over: object = {}): TaskEvent => ({
  type: 'fail',
  at: now(),
  attempt: 1,
  error: { ...FAILURE, ...over },
});

const consume = (of = backend) =>
  of.queues.consume(
    'import',
    { concurrency: 4, stallInterval: 5_000, onStalled: () => undefined },
    async (job) => void delivered.push(job),
  );

const due = (list: 'unqueued' | 'unpublished') => backend.redis.due(list, Date.now(), 1_000);
/** Makes everything on both lists look as old as if its process had died long ago. */
async function letTimePass(): Promise<void> {
  const raw = createClient({ url: bus.redis.url });
  await raw.connect();
  for (const list of ['unqueued', 'unpublished']) {
    const key = `${prefix}${list}`;
    for (const value of await raw.zRange(key, 0, -1)) await raw.zAdd(key, { score: 1, value });
  }
  raw.destroy();
}

describe('a task without a job', () => {
  it('gets one', async () => {
    const consumer = await consume();
    const task = await accept();
    await letTimePass();
    await backend.sweeper.sweep();
    await eventually(() => expect(delivered).toEqual([`${task.id}:1`]));
    await eventually(async () => expect(await due('unqueued')).toEqual([]));
    await consumer.close(1_000);
  });

  it('is given a few seconds by itself, in which whoever accepted it does it', async () => {
    const consumer = await consume();
    const task = await accept();
    await backend.sweeper.sweep();
    expect(await due('unqueued')).toEqual([`${task.id}:1`]);
    await backend.enqueue(task);
    await eventually(() => expect(delivered).toEqual([`${task.id}:1`]));
    await eventually(async () => expect(await due('unqueued')).toEqual([]));
    await consumer.close(1_000);
  });

  it('gets the job of the attempt that is waited for, when its time has come', async () => {
    const consumer = await consume();
    const task = await accept();
    const retryAt = Date.now() + 700;
    await happen(task, start(), { ...fail(), retryAt: new Date(retryAt).toISOString() } as TaskEvent);
    await letTimePass();
    await backend.sweeper.sweep();
    await eventually(async () => expect(await due('unqueued')).toEqual([]));
    expect(delivered).toEqual([]);
    await eventually(() => expect(delivered).toEqual([`${task.id}:2`]));
    expect(Date.now()).toBeGreaterThanOrEqual(retryAt);
    await consumer.close(1_000);
  });

  it('is left alone when it is running, over, or gone', async () => {
    const consumer = await consume();
    const [running, over, gone] = [await accept(), await accept(), await accept()];
    await happen(running, start());
    await happen(over, start(), fail({ retryable: false }));
    await backend.store.discard(gone.id, OWNER);
    await letTimePass();
    await backend.sweeper.sweep();
    expect(await due('unqueued')).toEqual([]);
    const last = await accept();
    await backend.enqueue(last);
    await eventually(() => expect(delivered).toEqual([`${last.id}:1`]));
    await consumer.close(1_000);
  });

  it('is not forgotten by who settles late', async () => {
    const task = await accept();
    // This process has queued attempt 1 and says so only after attempt 2 is waited for; the worker dies right then.
    const enqueued = backend.enqueue(task);
    await happen(task, start(), fail());
    await enqueued;
    await backend.redis.ping();
    await backend.close();
    open.splice(0);
    backend = connect();
    expect(await due('unqueued')).toEqual([`${task.id}:2`]);
  });

  it('gets one from the running sweeper of any process, once', async () => {
    const consumer = await consume();
    const tasks = [await accept(), await accept(), await accept()];
    await letTimePass();
    for (const process of [backend, connect(), connect()]) process.sweeper.start();
    await eventually(() => expect([...delivered].sort()).toEqual(tasks.map(({ id }) => `${id}:1`).sort()));
    await eventually(async () => expect(await due('unqueued')).toEqual([]));
    await consumer.close(1_000);
  });

  it('gets one after Redis was away', async () => {
    const consumer = await consume();
    const task = await accept();
    await letTimePass();
    await bus.redis.kill();
    backend.sweeper.start();
    await backend.sweeper.sweep();
    await bus.redis.restart();
    await eventually(() => expect(delivered).toEqual([`${task.id}:1`]), { within: 10_000 });
    await consumer.close(1_000);
  });
});

describe('an outcome that was not pushed', () => {
  it('is pushed, and then forgotten', async () => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    expect(await due('unpublished')).toEqual([task.id]);
    await letTimePass();
    await backend.sweeper.sweep();
    await eventually(async () => expect(await due('unpublished')).toEqual([]));
    expect(backend.counters()).toMatchObject({ push_events: 1, push_failures: 0 });
  });

  it('of a task that has expired is forgotten', async () => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    const raw = createClient({ url: bus.redis.url });
    await raw.connect();
    await raw.del(`${prefix}task:${task.id}`);
    raw.destroy();
    await letTimePass();
    await backend.sweeper.sweep();
    expect(await due('unpublished')).toEqual([]);
    expect(backend.counters()).toMatchObject({ push_events: 0 });
  });

  it('waits for the bus, in Redis, and is pushed by whoever is alive when it returns', async () => {
    await bus.soketi.kill();
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    backend.publisher.publish(OWNER, task);
    await eventually(() => backend.publisher.isDown);
    // The process that knew of it dies: what it holds in memory is gone.
    backend.publisher.close();
    await letTimePass();

    const other = connect();
    other.sweeper.start();
    await eventually(() => other.publisher.isDown);
    expect(await due('unpublished')).toEqual([task.id]);
    await bus.soketi.restart();
    await eventually(async () => expect(await due('unpublished')).toEqual([]), { within: 10_000 });
    expect(other.counters().push_events).toBeGreaterThanOrEqual(1);
    expect(other.publisher.isDown).toBe(false);
  });

  it('is settled by the process that pushed it', async () => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    backend.publisher.publish(OWNER, task);
    await eventually(async () => expect(await due('unpublished')).toEqual([]));
  });
});

describe('the backend', () => {
  it('knows which of its parts answer', async () => {
    expect(await backend.check()).toEqual({ redis: true, push: true });
    await bus.soketi.kill();
    expect(await backend.check()).toEqual({ redis: true, push: false });
    await bus.soketi.restart();
    await bus.redis.kill();
    expect(await backend.check()).toEqual({ redis: false, push: true });
    await bus.redis.restart();
    await eventually(async () => expect(await backend.check()).toEqual({ redis: true, push: true }));
  });

  it('pushes what waits before it closes, and settles it', async () => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    backend.publisher.publish(OWNER, task);
    await backend.close();
    open.splice(0);
    expect(backend.counters()).toMatchObject({ push_events: 1 });
    backend = connect();
    expect(await due('unpublished')).toEqual([]);
  });

  it('closes in a few seconds when both of its parts are away', async () => {
    await backend.store.list(OWNER);
    await Promise.all([bus.redis.kill(), bus.soketi.kill()]);
    const fresh = connect();
    fresh.enqueue(newTask({ id: uuid(), at: now() })).catch(() => undefined);
    for (const one of [backend, fresh]) {
      one.publisher.publish(OWNER, newTask({ id: uuid(), at: now() }));
      const began = performance.now();
      await one.close();
      expect(performance.now() - began).toBeLessThan(5_000);
    }
    open.splice(0);
    await Promise.all([bus.redis.restart(), bus.soketi.restart()]);
  });
});
