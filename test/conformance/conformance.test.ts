// The conformance suite: checks docs/protocol.md against the real application, with a bare client in Node and in Chromium,
// on plain and on encrypted channels. (Recorded cases in inloop's own client: recorded-cases.test.ts.)
import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import express from 'express';
import { z } from 'zod';
import type { Backend } from '../../backend/backend.ts';
import { channelOf } from '../../core/channel.ts';
import { TaskError } from '../../core/error.ts';
import { defineTask } from '../../core/tasks/definition.ts';
import { attachFallback } from '../../server/fallback/attach.ts';
import { createTaskServer } from '../../server/task-server.ts';
import { createTaskWorker } from '../../worker/task-worker.ts';
import { eventually } from '../support/eventually.ts';
import { startHttpServer } from '../support/http-server.ts';
import { backendOn, startBus, type TestBus } from '../support/parts.ts';
import { SNAPSHOT_KEYS } from '../support/task-events.ts';
import moving from './fixtures/moving.json' with { type: 'json' };
import type { Json, Step } from './follower.ts';
import { RECORDED_CASES } from './recorded-cases.ts';
import { type RemoteAgent, RUNTIMES } from './runtimes.ts';

const count = defineTask({
  name: 'count',
  input: z.object({ to: z.number().int().positive(), pause: z.number().default(0), size: z.number().default(0) }),
  title: (input) => `Count to ${input.to}`,
  browser: true,
});
const broken = defineTask({ name: 'broken', input: z.object({}), attempts: 1, browser: true });

let bus: TestBus;
const closers: (() => Promise<void>)[] = [];

interface World {
  readonly url: string;
  readonly backend: Backend;
}

/** Starts the application with a worker, and with keys of its own in Redis. The header `x-user` names the user. */
async function startWorld(form: string, env: Record<string, string>): Promise<World> {
  const backend = backendOn({ ...bus.env, ...env }, { prefix: `${form}:` });
  const tasks = createTaskServer({
    backend,
    tasks: [count, broken],
    identify: (req) => req.get('x-user') ?? null,
  });
  const app = express();
  app.use('/tasks', tasks.router);
  for (const runtime of RUNTIMES) await runtime.prepare(app);
  const server = createServer(app);
  attachFallback(server, { backend });
  const { url, close } = await startHttpServer(server);
  const worker = createTaskWorker({ backend, concurrency: 4, drain: '1s', grace: '500ms' });
  worker.handle(count, async ({ to, pause, size }, task) => {
    for (let done = 1; done <= to; done++) {
      task.signal.throwIfAborted();
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      task.progress({ done, total: to, skipped: 0, note: 'Counting' });
    }
    return { counted: to, list: 'x'.repeat(size) };
  });
  worker.handle(broken, async () => {
    throw new TaskError('bad_file', 'Row 7 is broken.', { retryable: false });
  });
  const shutdown = new AbortController();
  const working = worker.run({ signal: shutdown.signal });
  closers.push(async () => {
    shutdown.abort();
    await working;
    await close();
    await backend.close();
  });
  return { url, backend };
}

const FORMS = [
  { form: 'plain', env: {} },
  { form: 'encrypted', env: { PUSHER_ENCRYPTION_KEY: Buffer.alloc(32, 5).toString('base64') } },
] as const;
const worlds = new Map<string, World>();

beforeAll(async () => {
  bus = await startBus();
  for (const { form, env } of FORMS) worlds.set(form, await startWorld(form, env));
}, 90_000);

afterAll(async () => {
  for (const close of closers) await close();
  for (const runtime of RUNTIMES) await runtime.stop();
  await bus?.stop();
}, 60_000);

describe.each(RUNTIMES)('recorded: merging and moving, in a bare client in $name', (runtime) => {
  let agent: RemoteAgent;
  beforeAll(async () => {
    agent = await runtime.createAgent(worlds.get('plain')?.url ?? '');
  }, 30_000);
  afterAll(async () => {
    await agent?.close();
  });

  it.each(RECORDED_CASES)('$name', async ({ steps, expected }) => {
    expect(await agent.replay(steps)).toEqual(expected);
  });

  it.each(moving.cases)('moving: $name', async ({ progress, shown }) => {
    for (const { ms, done } of shown) expect([ms, await agent.shown(progress, ms)]).toEqual([ms, done]);
  });
});

// Cases against the running application

const LIVE = FORMS.flatMap(({ form }) => RUNTIMES.map((runtime) => ({ form, runtime, name: runtime.name })));

// A case takes seconds on a busy machine.
jest.setTimeout(30_000);

describe.each(LIVE)('live: a bare client in $name, $form', ({ form, runtime, name }) => {
  let agent: RemoteAgent;
  let user: string;
  let users = 0;

  beforeAll(async () => {
    agent = await runtime.createAgent(worlds.get(form)?.url ?? '');
  }, 30_000);
  beforeEach(() => {
    user = `${name}-${++users}`;
  });
  afterEach(async () => {
    await agent?.close();
  });

  const start = async (task: string, input: object, headers?: Json): Promise<Json> => {
    const { status, body } = await agent.call(user, 'POST', '/tasks', { name: task, input }, headers);
    expect(status).toBe(202);
    return body as Json;
  };
  const read = async (id: unknown) => (await agent.call(user, 'GET', `/tasks/${id}`)).body as Json;
  const pushed = (event: string) =>
    eventually(async () => (await agent.events()).find((one) => one.name === event) ?? null, {
      within: 10_000,
      that: event,
    });

  it('enters its own channel and is pushed every state in order, as whole snapshots', async () => {
    await agent.follow(user);
    const accepted = await start('count', { to: 20, pause: 15 });
    await pushed('task.succeeded');
    const events = await agent.events();
    const snapshots = events.map(({ data }) => data as Json);
    for (const snapshot of [accepted, ...snapshots]) expect(Object.keys(snapshot).sort()).toEqual([...SNAPSHOT_KEYS]);
    expect(events.map((event) => event.name)).toEqual(snapshots.map(({ status }) => `task.${status}`));
    const revisions = snapshots.map(({ revision }) => Number(revision));
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
    for (const { status, progress } of snapshots) {
      if (status === 'running' && progress) expect((progress as { done: number }).done).toBeLessThan(20);
    }
    const { tasks } = await agent.replay(events.map((event) => ({ event: event.name, data: event.data })));
    expect(tasks).toEqual([await read(accepted.id)]);
  });

  it('enters no channel but its own', async () => {
    const own = await agent.call(user, 'GET', '/tasks/connection');
    expect(own.body).toMatchObject({ channel: channelOf(user, { encrypted: form === 'encrypted' }) });
    expect(await agent.intrude('mallory', (own.body as { channel: string }).channel)).toBe(403);
    expect(await agent.intrude('mallory', `${form === 'plain' ? 'private' : 'private-encrypted'}-elsewhere`)).toBe(403);
  });

  it('fetches a result that was too big for its event', async () => {
    await agent.follow(user);
    const { id } = await start('count', { to: 1, size: 20_000 });
    const event = await pushed('task.succeeded');
    expect(event.data).toMatchObject({ result: null, resultOmitted: true });
    const partial = { event: event.name, data: event.data };
    expect(await agent.replay([partial])).toMatchObject({ fetch: [id] });
    const whole = await read(id);
    expect(whole).toMatchObject({ result: { counted: 1, list: 'x'.repeat(20_000) }, resultOmitted: false });
    expect(await agent.replay([partial, { fetched: [whole] }])).toEqual({ tasks: [whole], fetch: [] });
  });

  it('gets the failure of a task, and the task that retries it', async () => {
    await agent.follow(user);
    const { id } = await start('broken', {});
    const event = await pushed('task.failed');
    expect(event.data).toMatchObject({
      error: { code: 'bad_file', message: 'Row 7 is broken.', retryable: false },
      result: null,
      attempt: 1,
    });
    const again = await agent.call(user, 'POST', `/tasks/${id}/retry`);
    expect(again).toMatchObject({ status: 202, body: { retryOf: id, status: 'queued' } });
    expect(await agent.call(user, 'POST', `/tasks/${id}/cancel`)).toMatchObject({
      status: 409,
      body: { code: 'not_cancellable', status: 409 },
    });
  });

  it('cancels a running task', async () => {
    await agent.follow(user);
    const { id } = await start('count', { to: 10_000, pause: 5 });
    await pushed('task.running');
    expect(await agent.call(user, 'POST', `/tasks/${id}/cancel`)).toMatchObject({
      status: 202,
      body: { status: 'cancelling' },
    });
    expect((await pushed('task.cancelled')).data).toMatchObject({ id, error: null, result: null });
  });

  it('finds by HTTP the outcomes reached while no page was open, and marks them seen everywhere', async () => {
    const { id } = await start('count', { to: 1 });
    await eventually(async () => (await read(id)).status === 'succeeded', { within: 10_000 });
    await agent.follow(user);
    const unseen = await agent.call(user, 'GET', '/tasks?state=unseen');
    expect(unseen.body).toMatchObject({ tasks: [{ id, seenAt: null }], nextCursor: null });
    expect((await agent.call(user, 'POST', '/tasks/seen', { ids: [id] })).status).toBe(204);
    const event = await pushed('task.seen');
    expect(event.data).toEqual({ ids: [id], seenAt: expect.any(String) });
    const steps: Step[] = [
      { fetched: (unseen.body as { tasks: Json[] }).tasks },
      { event: event.name, data: event.data },
    ];
    const { tasks } = await agent.replay(steps);
    expect(tasks[0]?.seenAt).toBe((await read(id)).seenAt);
    expect((await agent.call(user, 'GET', '/tasks?state=unseen')).body).toMatchObject({ tasks: [] });
  });

  it('pages through its tasks, newest first', async () => {
    const ids: unknown[] = [];
    for (let n = 0; n < 3; n++) ids.unshift((await start('count', { to: 1 })).id);
    const first = (await agent.call(user, 'GET', '/tasks?limit=2')).body as { tasks: Json[]; nextCursor: string };
    const rest = (await agent.call(user, 'GET', `/tasks?limit=2&cursor=${first.nextCursor}`)).body as typeof first;
    expect([...first.tasks, ...rest.tasks].map(({ id }) => id)).toEqual(ids);
    expect(rest.nextCursor).toBeNull();
  });

  it('follows without push: ETag, Retry-After, and one request that waits', async () => {
    const { id } = await start('count', { to: 60, pause: 20 });
    const first = await agent.call(user, 'GET', `/tasks/${id}`);
    expect(first.headers).toMatchObject({ etag: `"${(first.body as Json).revision}"` });
    expect(Number(first.headers['retry-after'])).toBeGreaterThan(0);
    let etag = String(first.headers.etag);
    let task = first.body as Json;
    while (task.finishedAt === null) {
      const before = Number(task.revision);
      const next = await agent.call(user, 'GET', `/tasks/${id}`, undefined, {
        'if-none-match': etag,
        prefer: 'wait=5',
      });
      if (next.status === 304) continue;
      task = next.body as Json;
      expect(Number(task.revision)).toBeGreaterThan(before);
      etag = String(next.headers.etag);
    }
    expect(task.status).toBe('succeeded');
    const done = await agent.call(user, 'GET', `/tasks/${id}`, undefined, { 'if-none-match': etag });
    expect(done.status).toBe(304);
    expect(done.headers['retry-after']).toBeUndefined();
  });

  it('starts one task for one Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'once' };
    const { id } = await start('count', { to: 1 }, key);
    expect((await start('count', { to: 1 }, key)).id).toBe(id);
    const other = await agent.call(user, 'POST', '/tasks', { name: 'count', input: { to: 2 } }, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
  });

  it('gets errors as problems, and the version of the protocol with every answer', async () => {
    const { id } = await start('count', { to: 1 });
    const answers = [
      [await agent.call(null, 'GET', '/tasks'), 401, 'unauthenticated'],
      [await agent.call('mallory', 'GET', `/tasks/${id}`), 404, 'not_found'],
      [await agent.call(user, 'POST', '/tasks', { name: 'nope', input: {} }), 404, 'unknown_task'],
      [await agent.call(user, 'POST', '/tasks', { name: 'count', input: { to: -1 } }), 422, 'invalid_input'],
      [await agent.call(user, 'POST', '/tasks', []), 422, 'invalid_body'],
      [await agent.call(user, 'GET', '/tasks?state=lost'), 400, 'invalid_query'],
      [await agent.call(user, 'POST', '/tasks/seen', { ids: ['x'] }), 422, 'invalid_ids'],
    ] as const;
    for (const [answer, status, code] of answers) {
      expect(answer.headers).toMatchObject({
        'content-type': expect.stringContaining('application/problem+json'),
        'inloop-protocol': '1',
      });
      expect(answer).toMatchObject({ status, body: { type: 'about:blank', status, code, detail: expect.any(String) } });
    }
    expect(answers[3][0].body).toMatchObject({ errors: [{ path: ['to'], message: expect.any(String) }] });
  });

  it.each(['xhr_streaming', 'xhr_polling'])(
    'follows over HTTP alone where no WebSocket gets through: %s',
    async (name) => {
      await agent.follow(user, [name]);
      const { id } = await start('count', { to: 1 });
      expect((await pushed('task.succeeded')).data).toMatchObject({ id });
    },
  );
});
