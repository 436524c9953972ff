// `Prefer: wait`: requests that wait for the next revision of a task, on a real Redis. Another backend changes the tasks. What
// needs no Redis: waiting-reads.test.ts.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient } from '@redis/client';
import express from 'express';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { startHttpServer } from '../../../test/support/http-server.ts';
import { backendOn, NO_BUS } from '../../../test/support/parts.ts';
import { startRedis, type TestRedis } from '../../../test/support/redis/redis.ts';
import type { TaskServerOptions } from '../../options.ts';
import { createTaskServer, type TaskServer } from '../../task-server.ts';

const work = defineTask({ name: 'work', input: z.object({}) });

let redis: TestRedis;
/** Of the server that answers. */
let backend: Backend;
/** Of a second process, which changes tasks. */
let elsewhere: Backend;
let app: TestServer;

interface TestServer {
  readonly tasks: TaskServer;
  get(id: string, headers?: Record<string, string>, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

/** Starts a server on `backend`. */
async function serve(options: Partial<TaskServerOptions> = {}): Promise<TestServer> {
  const tasks = createTaskServer({ backend, tasks: [work], identify: (req) => req.get('x-user') ?? null, ...options });
  const server = await startHttpServer(express().use('/tasks', tasks.router));
  return {
    tasks,
    get: (id, headers = {}, init = {}) =>
      fetch(`${server.url}/tasks/${id}`, { ...init, headers: { 'x-user': 'ada', ...headers } }),
    close: server.close,
  };
}

beforeAll(async () => {
  redis = await startRedis();
  const env = { ...NO_BUS, REDIS_URL: redis.url };
  backend = backendOn(env);
  elsewhere = backendOn(env);
  app = await serve();
}, 30_000);

afterAll(async () => {
  await app.close();
  await Promise.all([backend.close(), elsewhere.close()]);
  await redis.stop();
}, 30_000);

const start = (owner = 'ada') => app.tasks.start(work, {}, { owner });

/** What a worker in another process would do. */
async function change(task: Snapshot): Promise<Snapshot> {
  const applied = await elsewhere.store.apply(
    { snapshot: task, owner: 'ada' },
    task.status === 'queued'
      ? { type: 'start', at: new Date().toISOString() }
      : { type: 'alive', at: new Date(Date.now() + 5_000).toISOString(), attempt: 1 },
  );
  if (!applied.ok) throw new Error(applied.refusal);
  return applied.snapshot;
}

/** Resolves once Redis knows that somebody waits for `task`. */
async function untilWaitedFor(task: Snapshot): Promise<void> {
  await eventually(async () => {
    const client = createClient({ url: redis.url });
    await client.connect();
    const isWaited = await client.hExists(`inloop:task:${task.id}`, 'w');
    client.destroy();
    return isWaited;
  });
}

/** An answer, and how many ms it took. */
async function timed(answer: Promise<Response>): Promise<{ response: Response; ms: number }> {
  const began = Date.now();
  const response = await answer;
  return { response, ms: Date.now() - began };
}

/** A limit for tests whose answer comes long before the 20 s that they ask to wait. */
const SHORT = 10_000;

describe('Prefer: wait', () => {
  it(
    'is answered when the task changes, in another process',
    async () => {
      const task = await start();
      const answer = app.get(task.id, { Prefer: 'wait=20' });
      await untilWaitedFor(task);
      await change(task);
      const response = await answer;
      expect([response.status, response.headers.get('preference-applied')]).toEqual([200, 'wait=20']);
      expect(response.headers.get('vary')).toContain('Prefer');
      expect(await response.json()).toMatchObject({ revision: 2, status: 'running' });
    },
    SHORT,
  );

  it('waits beyond the revision that the client names', async () => {
    const task = await start();
    const second = await change(task);
    const now = await app.get(task.id, { Prefer: 'wait=20', 'If-None-Match': `"${task.revision}"` });
    expect([now.status, ((await now.json()) as Snapshot).revision]).toEqual([200, 2]);
    const answer = app.get(task.id, { Prefer: 'wait=20', 'If-None-Match': `W/"${second.revision}"` });
    await untilWaitedFor(task);
    await change(second);
    const response = await answer;
    expect([response.status, response.headers.get('etag')]).toEqual([200, '"3"']);
  });

  it('ends when its time is up: with 304 if the client named the revision, otherwise with the task', async () => {
    const task = await start();
    const [named, unnamed] = await Promise.all([
      timed(app.get(task.id, { Prefer: 'wait=1', 'If-None-Match': '"1"' })),
      timed(app.get(task.id, { Prefer: 'wait=1' })),
    ]);
    expect([named.response.status, unnamed.response.status]).toEqual([304, 200]);
    for (const { response, ms } of [named, unnamed]) {
      expect(ms).toBeGreaterThanOrEqual(990);
      expect(response.headers.get('preference-applied')).toBe('wait=1');
      expect(response.headers.get('retry-after')).toBe('2');
    }
  });

  it(
    'does not wait for a task that has its outcome, nor without the header',
    async () => {
      const task = await start();
      expect((await timed(app.get(task.id, { 'If-None-Match': '"1"' }))).response.status).toBe(304);
      await app.tasks.tasks.cancel('ada', task.id);
      const response = await app.get(task.id, { Prefer: 'wait=20' });
      expect([response.status, response.headers.get('preference-applied')]).toEqual([200, 'wait=20']);
    },
    SHORT,
  );

  it("does not wait for another owner's task", async () => {
    const task = await start('bob');
    expect((await app.get(task.id, { Prefer: 'wait=20' })).status).toBe(404);
  });

  it('misses nothing that changes while it begins to wait', async () => {
    let task = await start();
    for (let round = 0; round < 30; round++) {
      const answer = app.get(task.id, { Prefer: 'wait=20', 'If-None-Match': `"${task.revision}"` });
      // Not `untilWaitedFor` here: the change may come before, while or after the request begins to wait.
      task = await change(task);
      expect(((await (await answer).json()) as Snapshot).revision).toBe(task.revision);
    }
  });

  it('is answered at once if too many of the owner wait already, and these go on waiting', async () => {
    const few = await serve({ limits: { waitersPerOwner: 2 } });
    const task = await start();
    const waiting = [few.get(task.id, { Prefer: 'wait=20' }), few.get(task.id, { Prefer: 'wait=20' })];
    await eventually(async () => {
      const { response } = await timed(few.get(task.id, { Prefer: 'wait=1' }));
      expect(response.headers.get('preference-applied')).toBeNull();
      expect(response.headers.get('retry-after')).toBe('2');
    });
    await change(task);
    for (const answer of waiting) expect(((await (await answer).json()) as Snapshot).revision).toBe(2);
    await few.close();
  });

  it('gives its place back when the client goes away', async () => {
    const few = await serve({ limits: { waitersPerOwner: 1 } });
    const task = await start();
    const abort = new AbortController();
    const gone = few.get(task.id, { Prefer: 'wait=20' }, { signal: abort.signal }).catch(() => null);
    await untilWaitedFor(task);
    expect((await few.get(task.id, { Prefer: 'wait=1' })).headers.get('preference-applied')).toBeNull();
    abort.abort();
    await gone;
    await eventually(async () => {
      const response = await few.get(task.id, { Prefer: 'wait=1' });
      expect(response.headers.get('preference-applied')).toBe('wait=1');
    });
    await few.close();
  });

  it('of many callers for one task costs one more read of it, not one for each', async () => {
    const many = await serve({ limits: { waitersPerOwner: 200 } });
    const task = await start();
    const waiting = Array.from({ length: 200 }, () => many.get(task.id, { Prefer: 'wait=20' }));
    await untilWaitedFor(task);
    const client = createClient({ url: redis.url });
    await client.connect();
    const scripts = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await client.info('commandstats'))?.[1]);
    // Each request reads its task once before it waits. When no more scripts run, all of them wait.
    let last = 0;
    const isQuiet = async () => {
      const before = last;
      last = await scripts();
      return last === before;
    };
    await eventually(isQuiet, { every: 200 });
    const next = await change(task);
    for (const answer of waiting) expect(((await (await answer).json()) as Snapshot).revision).toBe(next.revision);
    // At most 3 scripts: those of the change, and the one read that serves all.
    expect((await scripts()) - last).toBeLessThanOrEqual(3);
    client.destroy();
    await many.close();
  }, 30_000);

  it(
    'is answered when the server is to end',
    async () => {
      const stop = new AbortController();
      const ending = await serve({ signal: stop.signal });
      const task = await start();
      const answer = ending.get(task.id, { Prefer: 'wait=20' });
      await untilWaitedFor(task);
      stop.abort();
      const response = await answer;
      expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
      await ending.close();
    },
    SHORT,
  );

  it('reads what it missed while its subscription to Redis was cut off', async () => {
    const task = await start();
    const answer = app.get(task.id, { Prefer: 'wait=25' });
    await untilWaitedFor(task);
    const client = createClient({ url: redis.url });
    await client.connect();
    // So that the change below does not have to wait for a connection first.
    await elsewhere.redis.probeWrite();
    await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    // At once: the subscription is back within some 50 ms.
    await change(task);
    client.destroy();
    const { response, ms } = await timed(answer);
    expect(((await response.json()) as Snapshot).revision).toBe(2);
    expect(ms).toBeLessThan(3_000);
  }, 30_000);

  it('outlives a restart of Redis, and hears what changes after it', async () => {
    const task = await start();
    const answer = app.get(task.id, { Prefer: 'wait=25' });
    await untilWaitedFor(task);
    await redis.restart();
    await eventually(() => change(task), { within: 8_000 });
    const { response, ms } = await timed(answer);
    expect(((await response.json()) as Snapshot).revision).toBe(2);
    expect(ms).toBeLessThan(3_000);
  }, 30_000);

  it('ends with 404 when Redis comes back without the task', async () => {
    const task = await start();
    const answer = app.get(task.id, { Prefer: 'wait=25' });
    await untilWaitedFor(task);
    await redis.restart({ wipe: true });
    expect((await answer).status).toBe(404);
  }, 30_000);
});
