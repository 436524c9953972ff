// What a request costs and gives, on a real Redis whose bytes and commands are counted. No bus: pushes are left for later.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient } from '@redis/client';
import express from 'express';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { MAX_RESULT_BYTES } from '../../../core/limits.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../../core/tasks/transition.ts';
import { type HttpServer, startHttpServer } from '../../../test/support/http-server.ts';
import { backendOn, NO_BUS } from '../../../test/support/parts.ts';
import { startRedis, type TestRedis } from '../../../test/support/redis/redis.ts';
import { FAILURE, storeChanges } from '../../../test/support/task-events.ts';
import { createTaskServer, type TaskServer } from '../../task-server.ts';

const work = defineTask({ name: 'work', input: z.object({ n: z.number() }), browser: true });
const BIG = 'r'.repeat(MAX_RESULT_BYTES - 100);

let redis: TestRedis;
let raw: ReturnType<typeof createClient>;
let backend: Backend;
let tasks: TaskServer;
let server: HttpServer;
let url: string;

beforeAll(async () => {
  redis = await startRedis();
  raw = createClient({ url: redis.url });
  await raw.connect();
  backend = backendOn({ ...NO_BUS, REDIS_URL: redis.url });
  tasks = createTaskServer({ backend, tasks: [work], identify: (req) => req.get('x-user') ?? null });
  // What the sweeper asks of Redis would be counted, too.
  backend.sweeper.stop();
  server = await startHttpServer(express().use('/tasks', tasks.router));
  url = `${server.url}/tasks`;
}, 30_000);

afterAll(async () => {
  await server.close();
  await backend.close();
  raw.destroy();
  await redis.stop();
}, 30_000);

const call = (path: string, { headers = {}, ...init }: RequestInit & { headers?: Record<string, string> } = {}) =>
  fetch(url + path, { ...init, headers: { 'x-user': 'ada', 'content-type': 'application/json', ...headers } });
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  call(path, { method: 'POST', body: JSON.stringify(body), headers });

/** Stores these events of a task, one after the other. */
const storeEvents = (snapshot: Snapshot, owner: string, ...events: TaskEvent[]) =>
  storeChanges(backend.store, { snapshot, owner }, events);

const now = () => new Date().toISOString();
const start = (owner = 'ada', idempotencyKey?: string) => tasks.start(work, { n: 1 }, { owner, idempotencyKey });
const succeed = async (task: Snapshot, result: unknown, owner = 'ada') =>
  storeEvents(task, owner, { type: 'start', at: now() }, { type: 'succeed', at: now(), attempt: 1, result });
const fail = async (task: Snapshot) =>
  storeEvents(
    task,
    'ada',
    { type: 'start', at: now() },
    { type: 'fail', at: now(), attempt: 1, error: { ...FAILURE, retryable: false } },
  );

/** How many bytes Redis sends while `act` runs, without those of the answer that tells this number. */
async function bytesSent(act: () => Promise<unknown>): Promise<number> {
  const count = async () => Number(/total_net_output_bytes:(\d+)/.exec(await raw.info('stats'))?.[1]);
  const [first, second] = [await count(), await count()];
  await act();
  return (await count()) - second - (second - first);
}

describe('a big result', () => {
  it('comes with its task, and is not read for a client that has it already', async () => {
    const task = await succeed(await start(), BIG);
    const whole = await call(`/${task.id}`);
    expect(await whole.json()).toEqual(task);
    const headers = { 'If-None-Match': String(whole.headers.get('etag')) };
    const sent = await bytesSent(async () => expect((await call(`/${task.id}`, { headers })).status).toBe(304));
    expect(sent).toBeLessThan(2_000);
    expect(await tasks.tasks.get('ada', task.id)).toEqual(task);
  });

  it('is left out of the answer to a start that is repeated', async () => {
    const key = uuid();
    const task = await succeed(await start('ada', key), BIG);
    const repeat = () => post('/', { name: 'work', input: { n: 1 } }, { 'Idempotency-Key': key });
    const sent = await bytesSent(async () =>
      expect(await (await repeat()).json()).toEqual({ ...task, result: null, resultOmitted: true }),
    );
    expect(sent).toBeLessThan(5_000);
  });
});

describe('a list', () => {
  it.each(['active', 'unseen', 'all'])('of %s tasks is empty for an owner who has none', async (state) => {
    const response = await call(`?state=${state}`, { headers: { 'x-user': 'nobody' } });
    expect(await response.json()).toEqual({ tasks: [], nextCursor: null });
  });

  it('that an adopter’s own code asks for with wrong options is refused', async () => {
    for (const options of [{ limit: 2.5 }, { limit: 0 }, { limit: Number.NaN }, { cursor: 'x' }, { state: 'lost' }]) {
      await expect(tasks.tasks.list('ada', options as never)).rejects.toMatchObject({
        code: 'invalid_query',
        status: 400,
      });
    }
    for (const ids of [null, 'x', ['x'], [7]]) {
      await expect(tasks.tasks.seen('ada', ids as never)).rejects.toMatchObject({ code: 'invalid_ids', status: 422 });
    }
  });
});

describe('seen', () => {
  it('of the same id a thousand times is one change, and costs what one id costs', async () => {
    const { id } = await succeed(await start('eve'), BIG, 'eve');
    const scripts = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await raw.info('commandstats'))?.[1]);
    await post('/seen', { ids: [] });
    const before = await scripts();
    const ids = Array.from({ length: 1_000 }, () => id);
    const sent = await bytesSent(async () => {
      for (let n = 0; n < 2; n++) expect((await post('/seen', { ids }, { 'x-user': 'eve' })).status).toBe(204);
    });
    expect((await scripts()) - before).toBe(2);
    expect(sent).toBeLessThan(2_000);
    expect(await tasks.tasks.list('eve', { state: 'unseen' })).toMatchObject({ tasks: [] });
    expect((await tasks.tasks.list('eve')).tasks).toMatchObject([{ id, seenAt: expect.any(String), result: null }]);
  });

  it('is taken for more ids than one call may name, from an adopter’s own code', async () => {
    const made = [await succeed(await start('fay'), 1, 'fay'), await succeed(await start('fay'), 2, 'fay')] as const;
    await tasks.tasks.seen('fay', [made[0].id, ...Array.from({ length: 1_500 }, () => uuid()), made[1].id]);
    expect((await tasks.tasks.list('fay', { state: 'unseen' })).tasks).toEqual([]);
  });
});

describe('a retry', () => {
  const retry = async (id: string) => (await (await post(`/${id}/retry`, {})).json()) as Snapshot;

  it('gives one new task, however many requests ask for it at once, as long as the failed task is kept', async () => {
    const failed = await fail(await start());
    const made = await Promise.all(Array.from({ length: 20 }, () => retry(failed.id)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(made[0]).toMatchObject({ retryOf: failed.id, status: 'queued' });
    // As after a day, when all that is known of Idempotency-Keys has gone.
    const keys = await raw.keys('inloop:idem:*');
    if (keys.length > 0) await raw.del(keys);
    expect((await retry(failed.id)).id).toBe(made[0]?.id);
    await tasks.tasks.seen('ada', [failed.id]);
    expect((await retry(failed.id)).id).toBe(made[0]?.id);
    expect(await raw.ttl(`inloop:task:${failed.id}`)).toBeGreaterThan(24 * 3_600);
  });

  it('of a retry that failed as well gives another task', async () => {
    const first = await fail(await start());
    const second = await fail(await retry(first.id));
    const third = await retry(second.id);
    expect(new Set([first.id, second.id, third.id]).size).toBe(3);
    expect(third.retryOf).toBe(second.id);
    expect((await retry(first.id)).id).toBe(second.id);
  });

  it('whose new task is no longer kept is refused, and not done a second time', async () => {
    const failed = await fail(await start());
    const { id } = await retry(failed.id);
    await raw.del(`inloop:task:${id}`);
    const response = await post(`/${failed.id}/retry`, {});
    expect([response.status, await response.json()]).toMatchObject([409, { code: 'not_retryable' }]);
  });
});
