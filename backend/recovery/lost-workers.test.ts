// Tasks of workers that died, on a real Redis; the time between two sweeps is the test's.
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createClient } from '@redis/client';
import { v7 as uuid } from 'uuid';
import { channelOf } from '../../core/channel.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { eventually } from '../../test/support/eventually.ts';
import { recordLog } from '../../test/support/log.ts';
import { startRedis, type TestRedis } from '../../test/support/redis/redis.ts';
import { newTask } from '../../test/support/task-events.ts';
import { Clock } from '../clock.ts';
import { Events } from '../events/events.ts';
import { Redis } from '../store/redis.ts';
import { TaskStore } from '../store/store.ts';
import { TaskChanges } from '../task-changes.ts';
import { LostWorkers } from './lost-workers.ts';
import type { Isolation } from './probation.ts';
import { type KnownWorker, WorkerRegistry } from './worker-registry.ts';

const STALL_MS = 4_000;
let server: TestRedis;
let redis: Redis;
let clock: Clock;
let store: TaskStore;
let registry: WorkerRegistry;
let published: Snapshot[];
/** The time that the test moves, in ms. */
let now: number;
/** What the registry says about heartbeats, by worker, in place of what Redis holds. */
let heartbeats: Map<string, Partial<KnownWorker>>;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  const log = recordLog();
  [published, now, heartbeats] = [[], 0, new Map()];
  redis = new Redis({
    url: server.url,
    prefix: `l${uuid()}:`,
    retention: 60,
    channelOf: (owner) => channelOf(owner),
    events: new Events(log),
  });
  clock = new Clock({ ask: () => redis.time() });
  store = new TaskStore(redis, clock);
  registry = new WorkerRegistry(redis);
});
afterEach(() => redis.close());

/** The part of another process's sweeper that recovers lost workers, on the same Redis. */
function openLostWorkers(): LostWorkers {
  return new LostWorkers({
    redis,
    store,
    clock,
    events: new Events(recordLog()),
    registry: {
      list: async () => (await registry.list()).map((worker) => ({ ...worker, ...heartbeats.get(worker.id) })),
    },
    changes: new TaskChanges(
      store,
      { publish: (_owner, snapshot) => published.push(snapshot), share() {}, publishSeen() {}, publishDismissed() {} },
      new Events(recordLog()),
    ),
    time: { elapsed: () => now },
  });
}

/** Lets `ms` pass, and sweeps once in each second. */
async function sweepFor(lostWorkers: LostWorkers, ms: number): Promise<void> {
  for (const end = now + ms; now < end; now += 1_000) await lostWorkers.sweep();
}

/** Stores a task that `worker` runs. Returns its id. */
async function run(worker: string, isolation: Isolation = 'free', attempts = 3): Promise<string> {
  await registry.renew(worker, { names: [newTask().name], stallInterval: STALL_MS });
  const snapshot = newTask({ id: uuid(), attempts });
  await store.create({ snapshot, owner: 'ada', input: 1 }, null);
  const event = { type: 'start', at: clock.iso() } as const;
  await store.apply({ snapshot, owner: 'ada' }, event, { run: 0, start: { worker, isolation } });
  return snapshot.id;
}
const die = (worker: string) => heartbeats.set(worker, { isAlive: false });
const read = async (id: string) => {
  const record = await store.read(id, { run: true });
  if (record === null) throw new Error(`there is no task ${id}`);
  return record;
};
/** A task in words: its status, its attempt, and the suspicion against it. */
const state = async (id: string) => {
  const { snapshot, suspicion } = await read(id);
  return `${snapshot.status} ${snapshot.attempt}/${snapshot.attempts}, shared ${suspicion.shared}, charged ${suspicion.charged}`;
};

describe('a worker whose heartbeat is missing', () => {
  it('is dead after half the time that a heartbeat lasts, and its only task is charged', async () => {
    const id = await run('w');
    die('w');
    const lostWorkers = openLostWorkers();
    await sweepFor(lostWorkers, 2_000);
    expect(await state(id)).toBe('running 1/3, shared 0, charged 0');
    await sweepFor(lostWorkers, 1_000);
    expect(await state(id)).toBe('retrying 2/3, shared 0, charged 1');
    expect(published).toMatchObject([{ id, status: 'retrying', error: { code: 'worker_lost' } }]);
    expect(await registry.list()).toEqual([]);
  });

  it('leaves its other tasks to be recovered when the record of one is damaged', async () => {
    const [damaged, id] = [await run('w'), await run('w')];
    await redis.send((client) => client.hSet(redis.keys.task(damaged), 's', '{"torn'));
    die('w');
    await sweepFor(openLostWorkers(), 3_000);
    expect(await state(id)).toMatch(/^retrying 2\/3/);
    expect(await registry.list()).toEqual([]);
  });

  it('leaves the checkpoint of its task to the next attempt, with the progress of the last step', async () => {
    const id = await run('w');
    const apply = async (done: number, checkpoint?: string) =>
      store.apply(
        await read(id),
        { type: 'progress', at: clock.iso(), attempt: 1, progress: { done, total: 9, rate: 1 } },
        { run: 1, ...(checkpoint ? { checkpoint } : {}) },
      );
    await apply(3, '3');
    await apply(4);
    die('w');
    await sweepFor(openLostWorkers(), 3_000);
    const record = await store.read(id, { run: true, checkpoint: true });
    expect(record).toMatchObject({
      handedBackProgress: null,
      checkpoint: { value: 3, progress: { done: 4, total: 9 } },
    });
    expect(record?.checkpoint?.progress).not.toHaveProperty('rate');
  });

  it('is not dead while there are long pauses between sweeps: everything stood still, its worker too', async () => {
    const id = await run('w');
    die('w');
    const lostWorkers = openLostWorkers();
    for (let sweeps = 0; sweeps < 5; sweeps++, now += 10_000) await lostWorkers.sweep();
    expect(await state(id)).toBe('running 1/3, shared 0, charged 0');
  });

  it('is not dead after an outage of Redis, in which it could not be renewed, however short the outage was', async () => {
    const id = await run('w');
    die('w');
    const lostWorkers = openLostWorkers();
    for (let outages = 0; outages < 5; outages++) {
      await sweepFor(lostWorkers, 2_000);
      lostWorkers.redisWasAway();
    }
    expect(await state(id)).toBe('running 1/3, shared 0, charged 0');
  });

  it.each([2_000, 3_000, 5_000, 8_000])(
    'is dead in the end on a machine so slow that a sweep comes every %i ms',
    async (ms) => {
      const id = await run('w');
      die('w');
      const lostWorkers = openLostWorkers();
      for (let sweeps = 0; sweeps < 4; sweeps++, now += ms) await lostWorkers.sweep();
      expect(await state(id)).toBe('retrying 2/3, shared 0, charged 1');
    },
  );

  it('is not dead when it is back in time', async () => {
    const id = await run('w');
    const lostWorkers = openLostWorkers();
    for (let n = 0; n < 3; n++) {
      die('w');
      await sweepFor(lostWorkers, 2_000);
      heartbeats.clear();
      await sweepFor(lostWorkers, 1_000);
    }
    expect(await state(id)).toBe('running 1/3, shared 0, charged 0');
  });
});

describe('of several tasks', () => {
  it('none is charged, all are suspects, and each waits for its next run', async () => {
    const ids = [await run('w'), await run('w')];
    die('w');
    await sweepFor(openLostWorkers(), 4_000);
    for (const id of ids) expect(await state(id)).toBe('retrying 1/3, shared 1, charged 0');
  });

  it('the one on probation is charged', async () => {
    const innocent = await run('w');
    const culprit = await run('w', 'probation');
    die('w');
    await sweepFor(openLostWorkers(), 4_000);
    expect(await state(innocent)).toBe('retrying 1/3, shared 0, charged 0');
    expect(await state(culprit)).toBe('retrying 2/3, shared 0, charged 1');
  });

  it('none has failed if the watchdog ended the process because of the deadline of one', async () => {
    const ids = [await run('w'), await run('w')];
    await endByWatchdog('w', ids);
    await sweepFor(openLostWorkers(), 4_000);
    for (const id of ids) expect(await state(id)).toBe('retrying 1/3, shared 1, charged 0');
  });

  it('those of other workers are left alone', async () => {
    const mine = await run('w');
    const other = await run('x');
    die('w');
    await sweepFor(openLostWorkers(), 4_000);
    expect(await state(mine)).toBe('retrying 2/3, shared 0, charged 1');
    expect(await state(other)).toBe('running 1/3, shared 0, charged 0');
  });

  it('a verdict holds, though the sweeper dies in the middle and another one carries the rest of it out', async () => {
    const ids = [await run('w'), await run('w'), await run('w')];
    die('w');
    const first = openLostWorkers();
    const apply = store.apply.bind(store);
    let done = 0;
    store.apply = async (...args) => {
      if (done === 2) throw new Error('the process died');
      done += 1;
      return apply(...args);
    };
    await expect(sweepFor(first, 4_000)).rejects.toThrow('the process died');
    store.apply = apply;
    await sweepFor(openLostWorkers(), 4_000);
    for (const id of ids) expect(await state(id)).toBe('retrying 1/3, shared 1, charged 0');
  });
});

/** As when the watchdog ends the process of `worker`, which is blocked beyond the deadlines of the tasks `ids`. */
async function endByWatchdog(worker: string, ids: readonly string[]): Promise<void> {
  const { keys } = redis.watchdogTarget(worker);
  const raw = await createClient({ url: server.url }).connect();
  await raw.set(keys.overDeadline, ids.join(' '));
  raw.destroy();
  die(worker);
}

describe('a task that blocked its worker alone, beyond its deadline', () => {
  it('has failed, once and for all', async () => {
    const id = await run('w');
    await endByWatchdog('w', [id]);
    await sweepFor(openLostWorkers(), 4_000);
    expect((await read(id)).snapshot).toMatchObject({ status: 'failed', attempt: 1, error: { code: 'deadline' } });
  });
});

describe('a task that killed its worker each time', () => {
  it('has failed after its attempts, and its owner reads why', async () => {
    const id = await run('w', 'free', 1);
    die('w');
    await sweepFor(openLostWorkers(), 4_000);
    expect((await read(id)).snapshot).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'worker_lost', message: 'The worker stopped unexpectedly.' },
    });
  });

  it('that its owner cancelled is cancelled', async () => {
    const id = await run('w');
    const { snapshot, owner } = await read(id);
    await store.apply({ snapshot, owner }, { type: 'cancel', at: clock.iso() });
    die('w');
    await sweepFor(openLostWorkers(), 4_000);
    expect((await read(id)).snapshot.status).toBe('cancelled');
  });
});

describe('a worker whose watchdog says that it is blocked', () => {
  it('keeps its tasks, which get their signs of life from the sweeper', async () => {
    const id = await run('w');
    heartbeats.set('w', { blockedFor: 20_000 });
    const before = (await read(id)).snapshot;
    await sweepFor(openLostWorkers(), 11_000);
    const { snapshot } = await read(id);
    expect(snapshot).toMatchObject({ status: 'running', attempt: 1 });
    // Every five seconds: three times in eleven.
    expect(snapshot.revision).toBe(before.revision + 3);
    expect(published.map(({ status }) => status)).toEqual(['running', 'running', 'running']);
  });
});

describe('a verdict about a dead worker', () => {
  it('stays as it was stored first, by commands that Redis 6.2 has: it refuses SET with both NX and GET', async () => {
    const monitor = connect(server.port);
    let said = '';
    monitor.on('data', (data) => {
      said += data;
    });
    monitor.write('MONITOR\r\n');
    await eventually(() => said.includes('+OK'));
    expect(await redis.keepVerdict('w', 'first')).toBe('first');
    expect(await redis.keepVerdict('w', 'second')).toBe('first');
    const commands = () => said.split('\n').filter((line) => line.includes('verdict:w'));
    await eventually(() => expect(commands()).toHaveLength(3));
    monitor.destroy();
    expect(commands().map((line) => [...line.matchAll(/"(SET|NX|EX|GET)"/g)].map(([, word]) => word))).toEqual([
      ['SET', 'EX', 'NX'],
      ['SET', 'EX', 'NX'],
      ['GET'],
    ]);
  });
});
