// Which tasks are marked and told of since no worker handles them, on a real Redis, with a clock that the test moves.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import { channelOf } from '../../core/channel.ts';
import type { QueuedSnapshot, Snapshot } from '../../core/tasks/snapshot.ts';
import { recordLog } from '../../test/support/log.ts';
import { startRedis, type TestRedis } from '../../test/support/redis/redis.ts';
import { FAILURE, newTask } from '../../test/support/task-events.ts';
import { Clock } from '../clock.ts';
import { Events } from '../events/events.ts';
import { Redis } from '../store/redis.ts';
import { TaskStore } from '../store/store.ts';
import { TaskChanges } from '../task-changes.ts';
import { UnservedTasks } from './unserved.ts';
import type { KnownWorker } from './worker-registry.ts';

const NAME = newTask().name;
let server: TestRedis;
let redis: Redis;
let clock: Clock;
let store: TaskStore;
let unserved: UnservedTasks;
let published: Snapshot[];
let log: ReturnType<typeof recordLog>;
let events: Events;
let now: number;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  log = recordLog();
  events = new Events(log);
  published = [];
  now = 0;
  redis = new Redis({
    url: server.url,
    prefix: `u${uuid()}:`,
    retention: 60,
    channelOf: (owner) => channelOf(owner),
    events,
  });
  clock = new Clock({ ask: () => redis.time() });
  store = new TaskStore(redis, clock);
  unserved = openUnservedTasks();
  await redis.addDefinitions([NAME]);
});
afterEach(() => redis.close());

/**
 * The part of a sweeper that marks unserved tasks, as a new process has it. It does not know what other processes have noticed.
 */
function openUnservedTasks(): UnservedTasks {
  return new UnservedTasks({
    redis,
    store,
    clock,
    events,
    changes: new TaskChanges(
      store,
      { publish: (_owner, snapshot) => published.push(snapshot), share() {}, publishSeen() {}, publishDismissed() {} },
      events,
    ),
    time: { elapsed: () => now },
  });
}
/** A worker that handles the tasks of this test, as the registry knows it. */
const worker = (over: Partial<KnownWorker> = {}): KnownWorker => ({
  id: 'w1',
  names: [NAME],
  stallInterval: 5_000,
  isAlive: true,
  knowsLine: true,
  blockedFor: 0,
  ...over,
});
/** Stores a new task of `ada`. */
async function accept(): Promise<Snapshot> {
  const snapshot: QueuedSnapshot = newTask({ id: uuid() });
  await store.create({ snapshot, owner: 'ada', input: 1 }, null);
  return snapshot;
}
/** Sweeps twice, `ms` apart, while these workers are registered. */
async function sweepFor(ms: number, workers: readonly KnownWorker[]): Promise<void> {
  await unserved.sweep(workers);
  now += ms;
  await unserved.sweep(workers);
}
const waitingFor = async ({ id }: Snapshot) =>
  ((await store.read(id))?.snapshot as QueuedSnapshot | undefined)?.waitingFor ?? null;

describe('a task that no living worker handles', () => {
  it.each([
    ['since there is no worker', []],
    ['since the worker handles another', [worker({ names: ['other'] })]],
    ['since its worker is gone', [worker({ isAlive: false })]],
  ])('%s: its owner and the operator are told after 30 s, once', async (_why, workers) => {
    const task = await accept();
    await sweepFor(29_999, workers);
    expect(await waitingFor(task)).toBeNull();
    await sweepFor(1, workers);
    expect(await waitingFor(task)).toBe('worker');
    expect(published).toMatchObject([{ id: task.id, status: 'queued', revision: 2, waitingFor: 'worker' }]);
    await sweepFor(60_000, workers);
    expect(log.find('warn', new RegExp(`handles "${NAME}"`))).toHaveLength(1);
    expect(events.counts).toMatchObject({ 'task.without-worker': 1, 'definition.without-worker': 1 });
  });

  it('is marked also if it waits to be tried again', async () => {
    const task = await accept();
    const started = await store.apply(
      { snapshot: task, owner: 'ada' },
      { type: 'start', at: new Date().toISOString() },
      { run: 0, start: { worker: 'w', isolation: 'free' } },
    );
    const retryAt = new Date(Date.now() + 60_000).toISOString();
    const fail = { type: 'fail', at: retryAt, attempt: 1, error: FAILURE, retryAt } as const;
    await store.apply({ snapshot: started.snapshot as Snapshot, owner: 'ada' }, fail, { run: 1 });
    await sweepFor(30_000, []);
    expect(await waitingFor(task)).toBe('worker');
  });

  it('is marked however many wait before it, 100 in each sweep', async () => {
    const tasks = await Promise.all(Array.from({ length: 250 }, accept));
    await sweepFor(30_000, []);
    for (let sweeps = 0; sweeps < 2; sweeps++) await unserved.sweep([]);
    expect(await Promise.all(tasks.map(waitingFor))).toEqual(tasks.map(() => 'worker'));
  });

  it('loses its mark when a worker comes', async () => {
    const tasks = await Promise.all(Array.from({ length: 150 }, accept));
    await sweepFor(30_000, []);
    await unserved.sweep([]);
    for (let sweeps = 0; sweeps < 3; sweeps++) await unserved.sweep([worker()]);
    expect(await Promise.all(tasks.map(waitingFor))).toEqual(tasks.map(() => null));
    expect(log.find('info', /again/)).toHaveLength(1);
  });

  it('loses its mark by another sweeper, if the one that marked it was replaced together with the workers', async () => {
    const tasks = await Promise.all(Array.from({ length: 150 }, accept));
    await sweepFor(30_000, []);
    await unserved.sweep([]);
    const next = openUnservedTasks();
    for (let sweeps = 0; sweeps < 3; sweeps++) await next.sweep([worker()]);
    expect(await Promise.all(tasks.map(waitingFor))).toEqual(tasks.map(() => null));
  });

  it('loses its mark by a sweeper that sweeps again, after another process did so for a while', async () => {
    await sweepFor(1_000, [worker()]);
    const task = await accept();
    const other = openUnservedTasks();
    await other.sweep([]);
    now += 30_000;
    await other.sweep([]);
    expect(await waitingFor(task)).toBe('worker');
    await unserved.sweep([worker()]);
    expect(await waitingFor(task)).toBeNull();
  });

  it('is not marked before it is to start, and nothing is reported for it alone', async () => {
    const startsAt = new Date(Date.now() + 3_600_000).toISOString();
    const later: QueuedSnapshot = { ...newTask({ id: uuid() }), startsAt };
    await store.create({ snapshot: later, owner: 'ada', input: 1 }, null);
    await sweepFor(60_000, []);
    expect([await waitingFor(later), log.lines]).toEqual([null, []]);
    const task = await accept();
    await unserved.sweep([]);
    expect([await waitingFor(later), await waitingFor(task)]).toEqual([null, 'worker']);
  });

  it('is reported also if it waits in the line, while the only other task is to start later', async () => {
    await accept();
    const task = await accept();
    // As when a worker has taken the first one, ended it, and stopped. The other one is in the line.
    await redis.send((client) => client.del(`${redis.keys.queue(NAME)}waiting`));
    const startsAt = new Date(Date.now() + 3_600_000).toISOString();
    await store.create({ snapshot: { ...newTask({ id: uuid() }), startsAt }, owner: 'ada', input: 1 }, null);
    await sweepFor(30_000, []);
    expect(await waitingFor(task)).toBe('worker');
  });

  it('is not reported while a worker handles it, or nothing waits', async () => {
    await sweepFor(60_000, []);
    const task = await accept();
    await sweepFor(60_000, [worker()]);
    expect(await waitingFor(task)).toBeNull();
    expect(log.lines).toEqual([]);
  });
});
