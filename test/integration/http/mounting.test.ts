// The task router in the applications that people have: on Express 4 and 5, behind what they mount for the whole application.
// In each of them every call of the HTTP contract is made. Where things are mounted in a wrong order, the log names the cure. Real
// Redis.
import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import cors from 'cors';
import type * as Express from 'express';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import type { TaskServerOptions } from '../../../server/options.ts';
import type { createTaskServer } from '../../../server/task-server.ts';
import { type HttpServer, startHttpServer } from '../../support/http-server.ts';
import { NO_BUS } from '../../support/parts.ts';
import { startRedis, type TestRedis } from '../../support/redis/redis.ts';
import { type MountingParts, PAGE, SURROUNDINGS, type Surroundings, sessions } from './mounting-surroundings.ts';

/** One copy of inloop for each version of Express: a module sees the version that is installed beside it. */
interface World {
  readonly express: typeof Express.default;
  readonly createTaskServer: typeof createTaskServer;
  readonly backend: Backend;
  /** The messages that the backend has logged. */
  readonly lines: string[];
}

let redis: TestRedis;
const worlds = new Map<number, World>();
const servers: HttpServer[] = [];

function loadWorld(version: number): World {
  let world: World | undefined;
  jest.isolateModules(() => {
    jest.doMock('express', () => jest.requireActual(version === 4 ? 'express4' : 'express'));
    const { createBackend } = require('../../../backend/backend.ts');
    const { pusherFromEnv } = require('../../../backend/push/bus/pusher-env.ts');
    const lines: string[] = [];
    const keep = (message: string) => void lines.push(message);
    world = {
      express: require('express'),
      createTaskServer: require('../../../server/task-server.ts').createTaskServer,
      lines,
      backend: createBackend({
        redis: redis.url,
        pusher: pusherFromEnv(NO_BUS),
        prefix: `mounting-${version}:`,
        log: { info: keep, warn: keep, error: keep },
      }),
    };
  });
  return world as World;
}

beforeAll(async () => {
  redis = await startRedis();
  for (const version of [4, 5]) worlds.set(version, loadWorld(version));
}, 30_000);

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

afterAll(async () => {
  for (const { backend } of worlds.values()) await backend.close();
  await redis.stop();
}, 30_000);

async function listen(app: Express.Express): Promise<string> {
  const server = await startHttpServer(app);
  servers.push(server);
  return server.url;
}

/** Makes an app and a task server that is not mounted yet. */
function newServer(world: World, options: Partial<TaskServerOptions> = {}): MountingParts {
  const { defineTask } = require('../../../core/tasks/definition.ts');
  const wait = defineTask({ name: 'wait', input: z.object({ text: z.string() }), browser: true });
  const identify = (req: Express.Request) => req.get('x-user') ?? null;
  const tasks = world.createTaskServer({ backend: world.backend, tasks: [wait], identify, ...options });
  return { tasks, app: world.express() };
}

const webhookOf = (text: string): RequestInit => ({
  method: 'POST',
  body: text,
  redirect: 'manual',
  headers: {
    'content-type': 'application/json',
    'x-pusher-key': NO_BUS.PUSHER_KEY,
    'x-pusher-signature': createHmac('sha256', NO_BUS.PUSHER_SECRET).update(text).digest('hex'),
  },
});
const WEBHOOK = JSON.stringify({
  time_ms: Date.now(),
  events: [{ name: 'channel_occupied', channel: 'private-user-ada' }],
});

describe.each([4, 5])('on Express %i', (version) => {
  it('these tests run on that version', () => {
    expect('lazyrouter' in (worlds.get(version) as World).express()).toBe(version === 4);
  });

  it.each(Object.keys(SURROUNDINGS))('behind %s, everything in the contract is answered', async (name) => {
    const { around, options = {}, headers: extra = {} } = SURROUNDINGS[name] as Surroundings;
    const world = worlds.get(version) as World;
    const parts = newServer(world, options);
    const path = around(parts, world.express);
    const origin = await listen(parts.app);
    const signedIn = await fetch(`${origin}/sign-in`, { method: 'POST' });
    const headers = {
      ...extra,
      ...(signedIn.status === 204
        ? { cookie: String(signedIn.headers.get('set-cookie')).split(';')[0] as string }
        : { 'x-user': 'ada' }),
      ...(options.origins ? { origin: PAGE } : {}),
    };
    const call = (to: string, init: RequestInit = {}) =>
      fetch(new URL(to, origin), { ...init, headers: { ...headers, ...init.headers } });
    const post = (to: string, body: unknown) =>
      call(to, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

    const started = await post(path, { name: 'wait', input: { text: 'äöü "x"' } });
    expect([started.status, started.headers.get('access-control-allow-origin')]).toEqual([
      202,
      options.origins ? PAGE : name.includes('cors()') ? '*' : null,
    ]);
    const { id } = await started.json();
    const at = started.headers.get('location') as string;
    expect(at).toBe(`${path}/${id}`);
    const read = await call(at);
    expect(await read.json()).toMatchObject({ id, status: 'queued' });
    const etag = read.headers.get('etag') as string;
    expect((await call(at, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const waiting = call(at, { headers: { 'if-none-match': etag, prefer: 'wait=10' } });
    expect(
      (await (await call(`${path}?state=active&limit=100`)).json()).tasks.map((one: { id: string }) => one.id),
    ).toContain(id);

    const { authEndpoint, channel } = await (await call(`${path}/connection`)).json();
    const form = new URLSearchParams({ socket_id: '1.2', channel_name: channel });
    expect(await (await call(authEndpoint, { method: 'POST', body: form })).json()).toEqual({
      auth: expect.stringMatching(/^key:/),
    });
    expect(
      (await call(authEndpoint, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }))
        .status,
    ).toBeGreaterThanOrEqual(403);

    const cancelled = await post(`${at}/cancel`, {});
    expect([cancelled.status, (await cancelled.json()).status]).toEqual([202, 'cancelled']);
    expect((await (await waiting).json()).status).toBe('cancelled');
    expect((await call(`${at}/cancel`, { method: 'POST' })).status).toBe(409);
    expect((await post(`${at}/retry`, {})).status).toBe(202);
    expect((await post(`${path}/seen`, { ids: [id] })).status).toBe(204);
    expect((await fetch(`${origin}${path}/webhook`, webhookOf(WEBHOOK))).status).toBe(200);

    for (const [answer, status, code] of [
      [await post(path, { name: 'wait', input: {} }), 422, 'invalid_input'],
      [await post(path, [1]), 422, 'invalid_body'],
      [await post(`${path}/seen`, { ids: 1 }), 422, 'invalid_ids'],
      [await call(path, { method: 'POST' }), 400, 'invalid_json'],
      [await call(`${at}x`), 404, 'not_found'],
      [await call(`${path}?limit=0`), 400, 'invalid_query'],
    ] as const) {
      expect([answer.status, (await answer.json()).code]).toEqual([status, code]);
    }
    const nobody = await fetch(`${origin}${path}/connection`, { redirect: 'manual' });
    expect([401, 302]).toContain(nobody.status);
    expect(world.lines.splice(0).filter((line) => /mount/i.test(line))).toEqual([]);
  });
});

describe.each([4, 5])('on Express %i, in a wrong order', (version) => {
  const worldOf = () => worlds.get(version) as World;
  const expectLoggedOnce = (line: RegExp) =>
    expect(
      worldOf()
        .lines.splice(0)
        .filter((one) => line.test(one)),
    ).toHaveLength(1);

  it.each([
    ['nobody is signed in', (req: Express.Request) => req.session?.user ?? null, 401],
    ['identify fails', async (req: Express.Request) => req.session.user ?? null, 500],
  ] as const)('a session after the router: %s, and the log names the session once', async (_, identify, status) => {
    const { tasks, app } = newServer(worldOf(), { identify });
    const api = worldOf().express.Router();
    app.use('/api', api.use('/tasks', tasks.router));
    app.use(sessions());
    const origin = await listen(app);
    for (let n = 0; n < 2; n++) expect((await fetch(`${origin}/api/tasks`)).status).toBe(status);
    expectLoggedOnce(/after the task router: session\. .* Mount it before/);
  });

  it('cors() for all origins before a router with listed origins: the log says how to set it up', async () => {
    const { tasks, app } = newServer(worldOf(), { origins: [PAGE] });
    app.use(cors());
    app.use('/tasks', tasks.router);
    const origin = await listen(app);
    for (let n = 0; n < 2; n++) await fetch(`${origin}/tasks`);
    expectLoggedOnce(/cors\(\{ origin: \[\.\.\.\], credentials: true \}\)/);
  });

  it('a body parser before a webhook whose JSON has other spaces than JSON.stringify writes: the log says what to do', async () => {
    const { tasks, app } = newServer(worldOf());
    app.use(worldOf().express.json());
    app.use('/tasks', tasks.router);
    const origin = await listen(app);
    for (let n = 0; n < 2; n++) {
      const answer = await fetch(`${origin}/tasks/webhook`, webhookOf(WEBHOOK.replace(':', ': ')));
      expect([answer.status, (await answer.json()).code]).toEqual([401, 'bad_signature']);
    }
    expectLoggedOnce(/Mount tasks\.webhook before it, or keep the raw body/);
  });

  it('a parser that keeps the raw body does no harm', async () => {
    const { tasks, app } = newServer(worldOf());
    app.use(
      worldOf().express.json({
        verify(req, _res, raw) {
          Object.assign(req, { rawBody: raw });
        },
      }),
    );
    app.use('/tasks', tasks.router);
    const origin = await listen(app);
    expect((await fetch(`${origin}/tasks/webhook`, webhookOf(WEBHOOK.replace(':', ': ')))).status).toBe(200);
  });

  it('a middleware that reads bodies and throws them away: answer and log say so', async () => {
    const { tasks, app } = newServer(worldOf());
    app.use((req, _res, next) => void req.resume().once('end', () => next()));
    app.use('/tasks', tasks.router);
    const origin = await listen(app);
    const body = JSON.stringify({ name: 'wait', input: { text: 'x' } });
    const headers = { 'x-user': 'ada', 'content-type': 'application/json' };
    const answer = await fetch(`${origin}/tasks`, { method: 'POST', body, headers });
    expect(await answer.json()).toMatchObject({
      code: 'body_already_read',
      detail: expect.stringMatching(/Mount the router before it/),
    });
    expectLoggedOnce(/POST .*failed/);
  });
});
