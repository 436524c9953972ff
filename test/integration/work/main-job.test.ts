// The main job on real parts: accept, run, follow, finish. Redis, Soketi, Express and a bare pusher-js client.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { TaskError } from '../../../core/error.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, startApp, startBus, type TestApp, type TestBus } from '../../support/parts.ts';

const count = defineTask({
  name: 'count',
  input: z.object({ to: z.number().int().positive(), pause: z.number().default(0) }),
  output: z.object({ counted: z.number() }),
  title: (input) => `Count to ${input.to}`,
  browser: true,
});
const broken = defineTask({
  name: 'broken',
  input: z.object({ kind: z.enum(['final', 'unknown', 'once']) }),
  backoff: { initial: 50 },
  attempts: 2,
  browser: true,
});
const large = defineTask({ name: 'large', input: z.object({ bytes: z.number() }), browser: true });

let bus: TestBus;
let backend: Backend;
let app: TestApp;
const shutdown = new AbortController();
let working: Promise<void>;

beforeAll(async () => {
  bus = await startBus();
  backend = backendOn(bus.env);
  app = await startApp(backend, [count, broken, large]);
  const worker = createTaskWorker({ backend, concurrency: 4, drain: '1s', grace: '500ms' });
  worker.handle(count, async (input, task) => {
    for (let done = 1; done <= input.to; done++) {
      task.signal.throwIfAborted();
      if (input.pause > 0) await new Promise((resolve) => setTimeout(resolve, input.pause));
      task.progress({ done, total: input.to });
    }
    return { counted: input.to };
  });
  worker.handle(broken, async (input, task) => {
    if (input.kind === 'final') throw new TaskError('bad_file', 'Row 7 is broken.', { retryable: false });
    if (input.kind === 'unknown') throw new Error('connect to postgres://secret@host failed');
    if (task.attempt === 1) throw new TaskError('flaky', 'The other side was busy.');
    return 'second time lucky';
  });
  worker.handle(large, async (input) => 'x'.repeat(input.bytes));
  working = worker.run({ signal: shutdown.signal });
}, 60_000);

afterAll(async () => {
  shutdown.abort();
  await working;
  await app.close();
  await backend.close();
  await bus.stop();
}, 30_000);

async function start(user: string, name: string, input: unknown): Promise<Snapshot> {
  const response = await app.post(user, '/tasks', { name, input });
  expect(response.status).toBe(202);
  return (await response.json()) as Snapshot;
}

async function get(user: string, id: string): Promise<Snapshot> {
  return (await (await app.call(user, `/tasks/${id}`)).json()) as Snapshot;
}

async function outcome(user: string, id: string): Promise<Snapshot> {
  return eventually(async () => {
    const task = await get(user, id);
    return task.finishedAt !== null && task;
  });
}

describe('a task that succeeds', () => {
  it('is accepted with 202, Location, Retry-After and its snapshot', async () => {
    const response = await app.post('ada', '/tasks', { name: 'count', input: { to: 1 } });
    const task = (await response.json()) as Snapshot;
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe(`/tasks/${task.id}`);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(task).toMatchObject({
      name: 'count',
      title: 'Count to 1',
      status: 'queued',
      revision: 1,
      attempt: 0,
      attempts: 3,
    });
  });

  it('reaches a bare Pusher client live, in order, and never looks complete before its outcome', async () => {
    const follower = await app.follow('bea');
    const { id } = await start('bea', 'count', { to: 100, pause: 10 });
    await eventually(() => follower.events.some(({ name }) => name === 'task.succeeded'));
    const snapshots = follower.events.map(({ data }) => data).filter((data) => data.id === id);
    expect(follower.events.map(({ name }) => name)).toEqual(snapshots.map(({ status }) => `task.${status}`));
    const revisions = snapshots.map(({ revision }) => revision);
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    const running = snapshots.filter(({ status, progress }) => status === 'running' && progress !== null);
    // One message with a rate is enough: the page then moves the bar by itself.
    expect(running.length).toBeGreaterThanOrEqual(1);
    expect(running.some(({ progress }) => (progress?.rate ?? 0) > 0)).toBe(true);
    for (const { progress } of running) expect(progress?.done).toBeLessThan(100);
    expect(snapshots.at(-1)).toMatchObject({
      status: 'succeeded',
      progress: { done: 100, total: 100 },
      result: { counted: 100 },
    });
    follower.close();
  });

  it('is found later by an owner who was away', async () => {
    const { id } = await start('cyd', 'count', { to: 5 });
    const task = await outcome('cyd', id);
    expect(task).toMatchObject({ status: 'succeeded', result: { counted: 5 }, error: null, seenAt: null });
    const unseen = (await (await app.call('cyd', '/tasks?state=unseen')).json()) as { tasks: Snapshot[] };
    expect(unseen.tasks.map((one) => one.id)).toEqual([id]);
  });

  it('sends far fewer messages than it has elements', async () => {
    const follower = await app.follow('dan');
    await start('dan', 'count', { to: 5_000 });
    await eventually(() => follower.events.some(({ name }) => name === 'task.succeeded'));
    expect(follower.events.length).toBeLessThanOrEqual(6);
    follower.close();
  });
});

describe('a task that fails', () => {
  it('ends at once with the reason its handler gave', async () => {
    const { id } = await start('ada', 'broken', { kind: 'final' });
    expect(await outcome('ada', id)).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'bad_file', message: 'Row 7 is broken.', retryable: false },
    });
  });

  it('is tried again, and is pushed as retrying', async () => {
    const follower = await app.follow('eve');
    const { id } = await start('eve', 'broken', { kind: 'once' });
    expect(await outcome('eve', id)).toMatchObject({ status: 'succeeded', attempt: 2, result: 'second time lucky' });
    const retrying = await eventually(() => follower.events.find(({ name }) => name === 'task.retrying'));
    expect(retrying.data).toMatchObject({ attempt: 2, attempts: 2, error: { message: 'The other side was busy.' } });
    expect(retrying.data.expectedAt).not.toBeNull();
    follower.close();
  });

  it('hides the message of an error that is no TaskError', async () => {
    const { id } = await start('ada', 'broken', { kind: 'unknown' });
    const task = await outcome('ada', id);
    expect(task).toMatchObject({ status: 'failed', attempt: 2, error: { code: 'internal' } });
    expect(JSON.stringify(task)).not.toContain('secret');
  });
});

describe('a result that no message can carry', () => {
  it('is left out of the event and the list, and fetched whole', async () => {
    const follower = await app.follow('fay');
    const { id } = await start('fay', 'large', { bytes: 20_000 });
    const event = await eventually(() => follower.events.find(({ name }) => name === 'task.succeeded'));
    expect(event.data).toMatchObject({ id, result: null, resultOmitted: true });
    const page = (await (await app.call('fay', '/tasks')).json()) as { tasks: Snapshot[] };
    expect(page.tasks[0]).toMatchObject({ id, result: null, resultOmitted: true });
    expect(await get('fay', id)).toMatchObject({ result: 'x'.repeat(20_000), resultOmitted: false });
    follower.close();
  });
});

describe('another user', () => {
  it('can neither read, cancel, retry, see nor list a task', async () => {
    const { id } = await start('ada', 'count', { to: 3 });
    for (const response of [
      await app.call('mallory', `/tasks/${id}`),
      await app.post('mallory', `/tasks/${id}/cancel`),
      await app.post('mallory', `/tasks/${id}/retry`),
    ]) {
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    }
    await outcome('ada', id);
    expect((await app.post('mallory', '/tasks/seen', { ids: [id] })).status).toBe(204);
    expect((await get('ada', id)).seenAt).toBeNull();
    expect(await (await app.call('mallory', '/tasks')).json()).toEqual({ tasks: [], nextCursor: null });
  });

  it('cannot enter the channel', async () => {
    const { channel } = (await (await app.call('ada', '/tasks/connection')).json()) as { channel: string };
    const enter = (user: string | null, body: Record<string, string>) =>
      app.call(user, '/tasks/auth', { method: 'POST', body: new URLSearchParams(body) });
    expect((await enter('mallory', { socket_id: '1.2', channel_name: channel })).status).toBe(403);
    expect((await enter('ada', { socket_id: '1.2', channel_name: channel })).status).toBe(200);
    expect((await enter(null, { socket_id: '1.2', channel_name: channel })).status).toBe(401);
    for (const body of [
      { socket_id: '1.2' },
      { channel_name: channel },
      { socket_id: '1.2:private-user-mallory', channel_name: channel },
      { socket_id: '', channel_name: channel },
      { socket_id: '1.2', channel_name: `${channel}x` },
    ]) {
      expect((await enter('ada', body as never)).status).toBe(403);
    }
  });
});

describe('reading', () => {
  it('answers 304 while the revision is the same', async () => {
    const { id } = await start('ada', 'count', { to: 2 });
    await outcome('ada', id);
    const first = await app.call('ada', `/tasks/${id}`);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toBe(`"${((await first.json()) as Snapshot).revision}"`);
    expect((await app.call('ada', `/tasks/${id}`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await app.call('ada', `/tasks/${id}`, { headers: { 'if-none-match': '"1"' } })).status).toBe(200);
  });

  it('says when to ask again while a task is active, and not afterwards', async () => {
    const { id } = await start('ada', 'count', { to: 20, pause: 10 });
    expect(Number((await app.call('ada', `/tasks/${id}`)).headers.get('retry-after'))).toBeGreaterThan(0);
    await outcome('ada', id);
    expect((await app.call('ada', `/tasks/${id}`)).headers.get('retry-after')).toBeNull();
  });

  it('pages newest first', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await start('gus', 'count', { to: 1 })).id);
    const listed: string[] = [];
    let cursor = '';
    do {
      const response = await app.call('gus', `/tasks?limit=2${cursor && `&cursor=${cursor}`}`);
      const page = (await response.json()) as { tasks: Snapshot[]; nextCursor: string | null };
      listed.push(...page.tasks.map((task) => task.id));
      cursor = page.nextCursor ?? '';
    } while (cursor);
    expect(listed).toEqual(ids);
  });
});

describe('an Idempotency-Key', () => {
  it('gives the same task for the same request, and refuses another', async () => {
    const key = { 'idempotency-key': 'once' };
    const first = (await (
      await app.post('ada', '/tasks', { name: 'count', input: { to: 2 } }, key)
    ).json()) as Snapshot;
    const again = await app.post('ada', '/tasks', { name: 'count', input: { to: 2 } }, key);
    expect(again.status).toBe(202);
    expect(((await again.json()) as Snapshot).id).toBe(first.id);
    const other = await app.post('ada', '/tasks', { name: 'count', input: { to: 3 } }, key);
    expect(other.status).toBe(422);
    expect(await other.json()).toMatchObject({ code: 'idempotency_mismatch' });
    const somebody = (await (
      await app.post('bea', '/tasks', { name: 'count', input: { to: 3 } }, key)
    ).json()) as Snapshot;
    expect(somebody.id).not.toBe(first.id);
  });
});

describe('seen', () => {
  it('takes an outcome out of the inbox and tells every device', async () => {
    const follower = await app.follow('hal');
    const { id } = await start('hal', 'count', { to: 1 });
    await outcome('hal', id);
    expect((await app.post('hal', '/tasks/seen', { ids: [id] })).status).toBe(204);
    const event = await eventually(() => follower.events.find(({ name }) => name === 'task.seen'));
    expect(event.data).toEqual({ ids: [id], seenAt: expect.any(String) });
    expect((await get('hal', id)).seenAt).not.toBeNull();
    expect(await (await app.call('hal', '/tasks?state=unseen')).json()).toMatchObject({ tasks: [] });
    follower.close();
  });

  it.each([{}, { ids: 'x' }, { ids: ['x'] }])('refuses %j', async (body) => {
    expect((await app.post('ada', '/tasks/seen', body)).status).toBe(422);
  });
});

describe('cancel and retry', () => {
  it('a running task is told to stop, and ends cancelled', async () => {
    const { id } = await start('ivy', 'count', { to: 10_000, pause: 5 });
    await eventually(async () => (await get('ivy', id)).status === 'running');
    const response = await app.post('ivy', `/tasks/${id}/cancel`);
    expect(response.status).toBe(202);
    expect(((await response.json()) as Snapshot).status).toBe('cancelling');
    expect((await app.post('ivy', `/tasks/${id}/cancel`)).status).toBe(409);
    const task = await outcome('ivy', id);
    expect(task).toMatchObject({ status: 'cancelled', error: null });
    expect((await app.post('ivy', `/tasks/${id}/cancel`)).status).toBe(409);
  });

  it('a failed task is retried as one new task that names it, and a task that succeeded is not retried', async () => {
    const { id } = await start('joe', 'broken', { kind: 'final' });
    await outcome('joe', id);
    const response = await app.post('joe', `/tasks/${id}/retry`);
    expect(response.status).toBe(202);
    const again = (await response.json()) as Snapshot;
    expect(again).toMatchObject({ retryOf: id, name: 'broken' });
    expect(((await (await app.post('joe', `/tasks/${id}/retry`)).json()) as Snapshot).id).toBe(again.id);
    const done = await start('joe', 'count', { to: 1 });
    await outcome('joe', done.id);
    expect((await app.post('joe', `/tasks/${done.id}/retry`)).status).toBe(409);
  });
});
