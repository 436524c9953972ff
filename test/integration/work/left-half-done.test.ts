// Tasks and outcomes that were stored but not pushed are pushed later, on a real Redis and a real Soketi that are stopped and
// started again.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createClient } from '@redis/client';
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
let bus: TestBus;
let backend: Backend;
let prefix: string;
const open: Backend[] = [];

/** Opens one more backend, which is to the sweeper like another process. */
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

const happen = (snapshot: Snapshot, ...events: TaskEvent[]) =>
  storeChanges(backend.store, { snapshot, owner: OWNER }, events);

const start = (): TaskEvent => ({ type: 'start', at: now() });
const fail = (over: object = {}): TaskEvent => ({
  type: 'fail',
  at: now(),
  attempt: 1,
  error: { ...FAILURE, ...over },
});

const unpublished = () => backend.redis.unpublished(0, 1_000);
/** Makes everything on the list old enough for the sweeper, as if its process had died long ago. */
async function letTimePass(): Promise<void> {
  const raw = createClient({ url: bus.redis.url });
  await raw.connect();
  const key = `${prefix}unpublished`;
  for (const value of await raw.zRange(key, 0, -1)) await raw.zAdd(key, { score: 1, value });
  raw.destroy();
}

describe('a new task that was not pushed, since its server froze after the 202', () => {
  it('is pushed to a watched owner, and then taken off the list', async () => {
    const task = await accept();
    expect(await unpublished()).toEqual([task.id]);
    await letTimePass();
    await backend.sweeper.sweep();
    await eventually(async () => expect(await unpublished()).toEqual([]));
    expect(backend.eventCounters().queued.sent).toBe(1);
  });

  it('is not put on the list if its owner is not watched', async () => {
    const watched = await accept();
    const channel = backend.channelOf(OWNER);
    await backend.redis.noteWatched(channel, OWNER);
    // The time of a webhook counts only if it is later than the page's authorization, which is a moment old.
    const vacate = () => backend.redis.noteWebhook(channel, 'vacated', Date.now() + 4_000);
    await eventually(async () => (await vacate()) === 'vacated');
    await accept();
    expect(await unpublished()).toEqual([watched.id]);
  });

  it('leaves the list once it was pushed', async () => {
    const snapshot = newTask({ id: uuid(), at: now() });
    await backend.changes.create({ snapshot, owner: OWNER, input: 1 }, null);
    await eventually(async () => expect(await unpublished()).toEqual([]));
    expect(backend.eventCounters().queued.sent).toBe(1);
  });

  it('that runs by now is pushed once, as running', async () => {
    const task = await happen(await accept(), start());
    await letTimePass();
    await backend.sweeper.sweep();
    expect(await unpublished()).toEqual([]);
    await eventually(() => expect(backend.eventCounters().running.sent).toBe(1));
    expect(task.status).toBe('running');
  });
});

describe('an outcome that was not pushed', () => {
  it('is pushed, and then taken off the list', async () => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    expect(await unpublished()).toEqual([task.id]);
    await letTimePass();
    await backend.sweeper.sweep();
    await eventually(async () => expect(await unpublished()).toEqual([]));
    expect(backend.counters()).toMatchObject({ push_events: 1, push_failures: 0 });
  });

  it('of a task that has expired is taken off the list', async () => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    const raw = createClient({ url: bus.redis.url });
    await raw.connect();
    await raw.del(`${prefix}task:${task.id}`);
    raw.destroy();
    await letTimePass();
    await backend.sweeper.sweep();
    expect(await unpublished()).toEqual([]);
    expect(backend.counters()).toMatchObject({ push_events: 0 });
  });

  it('waits in Redis while the bus is away, and is pushed by a process that runs when it is back', async () => {
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
  });

  it('is pushed by a process that reaches the bus, if the first process does not', async () => {
    const cutOff = backendOn({ ...bus.env, PUSHER_PORT: String(await findFreePort()) }, { prefix, log: recordLog() });
    open.push(cutOff);
    const first = await happen(await accept(), start(), fail({ retryable: false }));
    await letTimePass();
    cutOff.sweeper.start();
    await eventually(() => cutOff.publisher.isDown);
    backend.sweeper.start();
    await eventually(async () => expect(await unpublished()).toEqual([]), { within: 10_000 });
    expect(backend.eventCounters().outcome.sent).toBe(1);
    expect(cutOff.publisher.isDown).toBe(true);
    expect(first.status).toBe('failed');
  });

  it('is sent once while a slow bus has not answered', async () => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    await letTimePass();
    let taken = 0;
    const send = jest.spyOn(backend.bus, 'send').mockImplementation(async (events) => {
      // The question that each process asks after its start may come here as well.
      if (events.some(({ name }) => name === 'task.failed')) taken += 1;
      // Longer than several rounds of the sweeper.
      await new Promise((resolve) => setTimeout(resolve, 2_500));
    });
    backend.sweeper.start();
    await eventually(async () => expect(await unpublished()).toEqual([]), { within: 10_000 });
    expect(taken).toBe(1);
    expect(task.status).toBe('failed');
    send.mockRestore();
  });

  it('is taken off the list by the process that pushed it', async () => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    backend.publisher.publish(OWNER, task);
    await eventually(async () => expect(await unpublished()).toEqual([]));
  });
});

describe('the backend', () => {
  it('reports which of Redis and bus answer', async () => {
    expect(await backend.check()).toEqual({ redis: true, push: true });
    await bus.soketi.kill();
    expect(await backend.check()).toEqual({ redis: true, push: false });
    await bus.soketi.restart();
    await bus.redis.kill();
    expect(await backend.check()).toEqual({ redis: false, push: true });
    await bus.redis.restart();
    await eventually(async () => expect(await backend.check()).toEqual({ redis: true, push: true }));
  });

  it('after a flush has pushed everything and emptied the list, so that its process may be frozen', async () => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    backend.publisher.publish(OWNER, task);
    await backend.flush();
    expect(backend.counters()).toMatchObject({ push_events: 1 });
    expect(await unpublished()).toEqual([]);
  });

  it('is flushed within seconds even while the bus is away', async () => {
    await bus.soketi.kill();
    backend.publisher.publish(OWNER, newTask({ id: uuid(), at: now() }));
    const began = performance.now();
    await backend.flush();
    expect(performance.now() - began).toBeLessThan(4_000);
    await bus.soketi.restart();
  });

  it('pushes everything before it closes, and empties the list', async () => {
    const task = await happen(await accept(), start(), fail({ retryable: false }));
    backend.publisher.publish(OWNER, task);
    await backend.close();
    open.splice(0);
    expect(backend.counters()).toMatchObject({ push_events: 1 });
    backend = connect();
    expect(await unpublished()).toEqual([]);
  });

  it('closes within a few seconds while Redis and bus are away', async () => {
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
    await Promise.all([bus.redis.restart(), bus.soketi.restart()]);
  });
});
