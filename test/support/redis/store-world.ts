// The set-up of the tests of backend/store: a Redis, and a store with keys of its own for each test.
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { createClient } from '@redis/client';
import { v7 as uuid } from 'uuid';
import { Events } from '../../../backend/events/events.ts';
import { queueKey } from '../../../backend/queue/bee-queue/scripts.ts';
import { TAKE_JOBS } from '../../../backend/queue/line-scripts.ts';
import type { RunState } from '../../../backend/store/record.ts';
import { Redis } from '../../../backend/store/redis.ts';
import { TaskStore } from '../../../backend/store/store.ts';
import { channelOf } from '../../../core/channel.ts';
import type { QueuedSnapshot, Snapshot } from '../../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../../core/tasks/transition.ts';
import { recordLog } from '../log.ts';
import { newTask } from '../task-events.ts';
import { startRedis, type TestRedis } from './redis.ts';

/** A store as one process of ours has it. */
export interface StoreClient {
  readonly redis: Redis;
  readonly store: TaskStore;
  readonly log: ReturnType<typeof recordLog>;
}

/** What `useStore` returns. Its properties change with each test. */
export interface StoreWorld extends StoreClient {
  readonly server: TestRedis;
  /** A plain client of the same Redis. */
  readonly raw: ReturnType<typeof createClient>;
  /** The prefix of all keys of this test. */
  readonly prefix: string;
  /** Opens another store on the same data, as another process would. It is closed after the test. */
  connect(url?: string): StoreClient;
  /** Takes the next job of a definition, as a worker does; null if none waits. Default of `name`: that of `makeTask`. */
  takeJob(name?: string): Promise<string | null>;
  /** Takes the next jobs, as a worker does that has room for `most`. */
  takeJobs(most: number, name?: string): Promise<string[]>;
  /** The jobs in bee-queue's lists: those that wait, the newest first, and delayed ones, the earliest first. */
  jobs(): Promise<{
    readonly waiting: string[];
    readonly delayed: { readonly value: string; readonly score: number }[];
  }>;
  /** Stores a new task. */
  accept(owner?: string, input?: unknown, idempotencyKey?: string | null): Promise<QueuedSnapshot>;
  /** Applies events to a task in its current run. Worker `w1` starts it. Throws when an event is refused. */
  happen(task: Snapshot, owner: string, ...events: readonly TaskEvent[]): Promise<Snapshot>;
}

/**
 * Starts a Redis for the file that calls it, and connects a store with keys of its own for each of its tests.
 *
 * @param retention how long finished tasks are kept, in seconds
 */
export function useStore({ retention = 3_600 }: { retention?: number } = {}): StoreWorld {
  let server: TestRedis;
  let raw: ReturnType<typeof createClient>;
  let prefix: string;
  let main: StoreClient;
  const open: Redis[] = [];

  const connect = (url = server.url): StoreClient => {
    const client = openStore(url, prefix, retention);
    open.push(client.redis);
    return client;
  };

  beforeAll(async () => {
    server = await startRedis();
    raw = createClient({ url: server.url, socket: { reconnectStrategy: 50 } });
    // Some tests end the server.
    raw.on('error', () => undefined);
    await raw.connect();
  }, 30_000);
  beforeEach(() => {
    prefix = `t${uuid()}:`;
    main = connect();
  });
  afterEach(async () => {
    for (const redis of open.splice(0)) await redis.close();
  });
  afterAll(async () => {
    raw.destroy();
    await server.stop();
  });

  return {
    get server() {
      return server;
    },
    get raw() {
      return raw;
    },
    get prefix() {
      return prefix;
    },
    get redis() {
      return main.redis;
    },
    get store() {
      return main.store;
    },
    get log() {
      return main.log;
    },
    connect,
    ...callsOn(() => ({ raw, prefix, ...main })),
  };
}

/** What a test does to the store and the queue that `current` returns. */
function callsOn(
  current: () => Pick<StoreWorld, 'raw' | 'prefix' | 'redis' | 'store'>,
): Pick<StoreWorld, 'takeJob' | 'takeJobs' | 'jobs' | 'accept' | 'happen'> {
  const takeJobs: StoreWorld['takeJobs'] = async (most, name = makeTask().name) => {
    const { raw, prefix, redis } = current();
    const { line, turns, paused } = redis.keys.line(name);
    const call = { keys: [line, turns, paused], arguments: [queueKey(prefix, name), String(most), `${prefix}task:`] };
    return ((await raw.eval(TAKE_JOBS, call)) as [job: string, fields: unknown][]).map(([job]) => job);
  };
  return {
    takeJobs,
    takeJob: async (name) => (await takeJobs(1, name))[0] ?? null,
    async jobs() {
      const { raw, prefix } = current();
      const queue = queueKey(prefix, makeTask().name);
      return {
        waiting: await raw.lRange(`${queue}waiting`, 0, -1),
        delayed: await raw.zRangeWithScores(`${queue}delayed`, 0, -1),
      };
    },
    async accept(owner = 'ada', input = { n: 1 }, idempotencyKey = null) {
      const { store } = current();
      const snapshot = makeTask();
      expect(await store.create({ snapshot, owner, input }, idempotencyKey)).toMatchObject({ result: 'created' });
      return snapshot;
    },
    async happen(task, owner, ...events) {
      const { store } = current();
      let snapshot = task;
      for (const event of events) {
        const { run } = (await store.read(snapshot.id, { run: true })) as RunState;
        const start = event.type === 'start' ? { start: { worker: 'w1', isolation: 'free' as const } } : {};
        const applied = await store.apply({ snapshot, owner }, event, { run, ...start });
        if (!applied.ok) throw new Error(`${event.type} was refused: ${applied.refusal}`);
        snapshot = applied.snapshot;
      }
      return snapshot;
    },
  };
}

/** A store on a Redis of its own. */
export interface OwnStore extends StoreClient {
  readonly server: TestRedis;
  /** Opens another store on the same data, as another process would. It is closed after the test. */
  connect(url?: string): StoreClient;
}

/**
 * The body of a test that gets a Redis and a store of its own. Such tests can run at the same time.
 *
 * @example it.concurrent('a restart is survived', withStore(async ({ server, store }) => { … }))
 */
export function withStore(test: (own: OwnStore) => Promise<void>): () => Promise<void> {
  return async () => {
    const server = await startRedis();
    const open: Redis[] = [];
    const connect = (url = server.url): StoreClient => {
      const client = openStore(url, 'own:', 60);
      open.push(client.redis);
      return client;
    };
    try {
      await test({ ...connect(), server, connect });
    } finally {
      continueRedis(server.pid);
      for (const redis of open) await redis.close();
      await server.stop();
    }
  };
}

/** Lets the Redis process go on, which a test may have stopped (SIGSTOP). */
function continueRedis(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It has ended already.
  }
}

function openStore(url: string, prefix: string, retention: number): StoreClient {
  const log = recordLog();
  const redis = new Redis({ url, prefix, retention, channelOf: (owner) => channelOf(owner), events: new Events(log) });
  return { redis, store: new TaskStore(redis, { now: Date.now }), log };
}

/** The time now, as snapshots write it. */
export const now = (): string => new Date().toISOString();

/** A task that is not stored, with an id of its own. */
export const makeTask = (over: Parameters<typeof newTask>[0] = {}) => newTask({ id: uuid(), at: now(), ...over });

/** Events of a first attempt. */
export const start = (): TaskEvent => ({ type: 'start', at: now() });
export const succeed = (result: unknown = null): TaskEvent => ({ type: 'succeed', at: now(), attempt: 1, result });
export const progress = (done: number): TaskEvent => ({
  type: 'progress',
  at: now(),
  attempt: 1,
  progress: { done, total: null },
});
