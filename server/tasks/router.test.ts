// The router at its edge: what every answer says, what the bus may tell it, and what bodies may cost. Real Redis, no bus.
import { createHmac } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient } from '@redis/client';
import express from 'express';
import { z } from 'zod';
import type { Backend } from '../../backend/backend.ts';
import { defineTask } from '../../core/tasks/definition.ts';
import type { Problem } from '../../core/wire.ts';
import { eventually } from '../../test/support/eventually.ts';
import { type HttpServer, startHttpServer } from '../../test/support/http-server.ts';
import { backendOn, NO_BUS } from '../../test/support/parts.ts';
import { startRedis, type TestRedis } from '../../test/support/redis/redis.ts';
import { checkLimits, type TaskServerOptions } from '../options.ts';
import { createTaskServer, type TaskServer } from '../task-server.ts';

const SECRET = 'secret-of-the-test';
const APP = { ...NO_BUS, PUSHER_SECRET: SECRET };
const report = defineTask({ name: 'report', input: z.strictObject({ n: z.number() }), browser: true });

let redis: TestRedis;
let raw: ReturnType<typeof createClient>;
let backend: Backend;
let tasks: TaskServer;
let url: string;
const servers: HttpServer[] = [];
const sockets: Socket[] = [];

async function listen(app: express.Express): Promise<string> {
  const server = await startHttpServer(app);
  servers.push(server);
  return server.url;
}

function taskServer(options: Partial<TaskServerOptions> = {}): TaskServer {
  return createTaskServer({ backend, tasks: [report], identify: (req) => req.get('x-user') ?? null, ...options });
}

beforeAll(async () => {
  redis = await startRedis();
  raw = createClient({ url: redis.url });
  await raw.connect();
  backend = backendOn({ ...APP, REDIS_URL: redis.url });
  tasks = taskServer({ limits: { waitSeconds: 1, bodySeconds: 1 } });
  url = await listen(express().use('/tasks', tasks.router));
}, 30_000);

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

afterAll(async () => {
  for (const server of servers) await server.close();
  await backend.close();
  raw.destroy();
  await redis.stop();
}, 30_000);

const JSON_TYPE = { 'content-type': 'application/json' };
const call = (path: string, init: RequestInit = {}, user: string | null = 'ada') =>
  fetch(`${url}/tasks${path}`, { ...init, headers: { ...(user === null ? {} : { 'x-user': user }), ...init.headers } });
const post = (path: string, body: unknown, headers: Record<string, string> = {}, user: string | null = 'ada') =>
  call(path, { method: 'POST', body: JSON.stringify(body), headers: { ...JSON_TYPE, ...headers } }, user);
const start = () => tasks.start(report, { n: 1 }, { owner: 'ada' });

describe('every answer', () => {
  it('says whose it is and when it left, whatever it is', async () => {
    const { id } = await start();
    const answers: [number, Promise<Response>][] = [
      [200, call('')],
      [200, call(`/${id}`)],
      [304, call(`/${id}`, { headers: { 'if-none-match': '"1"' } })],
      [200, call('/connection')],
      [202, post('', { name: 'report', input: { n: 1 } })],
      [204, post('/seen', { ids: [] })],
      [400, call('?limit=0')],
      [400, call('', { method: 'POST', body: '{', headers: JSON_TYPE })],
      [403, post('', {}, { origin: 'https://evil.test' })],
      [404, call('/none')],
      [404, call('/none/at/all')],
      [409, post(`/${id}/retry`, {})],
      [413, post('', { name: 'report', input: 'x'.repeat(100_000) })],
      [415, post('/auth', {})],
      [422, post('', { name: 'report', input: { n: 'x' } })],
    ];
    for (const [status, pending] of answers) {
      const { headers, ...answer } = await pending.then((res) => ({ headers: res.headers, status: res.status }));
      expect(answer.status).toBe(status);
      // Refused before anybody asks who it is: there is nobody it is for.
      expect([status, headers.get('inloop-channel')]).toEqual([status, status === 403 ? null : 'private-user-ada']);
      expect(headers.get('inloop-protocol')).toBe('1');
      const time = headers.get('inloop-time') ?? '';
      expect(new Date(time).toISOString()).toBe(time);
      expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(5_000);
    }
  });

  it('is refused if nobody is signed in', async () => {
    const { status, headers } = await call('', {}, null);
    expect(status).toBe(401);
    expect(headers.has('inloop-channel')).toBe(false);
    expect(headers.has('inloop-time')).toBe(true);
  });

  it('tells the time at which it left, however long it was held; and is held no longer than is allowed', async () => {
    const { id } = await start();
    const began = Date.now();
    const { headers } = await call(`/${id}`, { headers: { prefer: 'wait=30' } });
    expect(headers.get('preference-applied')).toBe('wait=1');
    expect(Date.parse(headers.get('inloop-time') ?? '') - began).toBeGreaterThanOrEqual(990);
  });
});

describe('a webhook', () => {
  const sign = (body: string) => ({
    ...JSON_TYPE,
    'x-pusher-key': 'key',
    'x-pusher-signature': createHmac('sha256', SECRET).update(body).digest('hex'),
  });
  const send = (body: string, headers = sign(body)) => call('/webhook', { method: 'POST', body, headers }, null);
  const tell = (name: string, channel: string, at = Date.now()) =>
    send(JSON.stringify({ time_ms: at, events: [{ name, channel }] }));
  const pages = async () => (await raw.keys('inloop:page:*')).sort();

  it('leaves no mark of a channel that nobody was let into', async () => {
    const before = await raw.dbSize();
    const made = Array.from({ length: 1_000 }, (_, n) => [`lobby-${n}`, `private-user-${n}`, `presence-${n}`]).flat();
    for (const name of ['channel_occupied', 'channel_vacated']) {
      const events = made.map((channel) => ({ name, channel }));
      expect((await send(JSON.stringify({ time_ms: Date.now(), events }))).status).toBe(200);
    }
    expect(await raw.dbSize()).toBe(before);
  });

  it('of a page that we let in is noted, and again after it closed', async () => {
    const form = new URLSearchParams({ socket_id: '1.1', channel_name: 'private-user-bea' });
    expect((await call('/auth', { method: 'POST', body: form }, 'bea')).status).toBe(200);
    await eventually(async () => expect(await pages()).toEqual(['inloop:page:private-user-bea']));
    const mark = () => raw.hGetAll('inloop:page:private-user-bea');
    const { o: opened } = await mark();
    await eventually(async () => {
      await tell('channel_vacated', 'private-user-bea');
      const { o, v } = await mark();
      expect([o, Number(v) > Number(o)]).toEqual([opened, true]);
    });
    await eventually(async () => {
      await tell('channel_occupied', 'private-user-bea');
      const { o, v } = await mark();
      expect(Number(o)).toBeGreaterThan(Number(v));
    });
  });

  it('of a time ahead, or long past, is taken and not believed', async () => {
    await backend.redis.noteWatched('private-user-cyd', 'cyd');
    for (const at of [Date.now() + 3_600_000, Date.now() - 3_600_000, 0, -1, 1e300, -1e300]) {
      expect((await tell('channel_vacated', 'private-user-cyd', at)).status).toBe(200);
    }
    expect(await raw.hGet('inloop:page:private-user-cyd', 'v')).toBeNull();
  });

  it.each([
    '{"time_ms":1,"events":null}',
    '{"time_ms":1,"events":[null]}',
    '{"time_ms":"x","events":[]}',
    'null',
    '[]',
  ])('that says %s is 400', async (body) => {
    const answer = await send(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'invalid_webhook' });
  });

  it('that the bus did not sign is 401, whatever it says', async () => {
    const body = '{"time_ms":1,"events":null}';
    const signed = sign(body);
    for (const headers of [
      { ...signed, 'x-pusher-key': 'other' },
      { ...signed, 'x-pusher-signature': signed['x-pusher-signature'].replace(/./g, '0') },
      { ...signed, 'x-pusher-signature': 'short' },
    ]) {
      expect((await send(body, headers)).status).toBe(401);
    }
  });

  it('without the headers of one is refused before its body was read', async () => {
    const answer = await open('POST /tasks/webhook', ['content-length: 200000']);
    await eventually(() => expect(answer.text).toContain(' 401 '), { within: 900 });
  });
});

describe('a body that does not come', () => {
  const signed = ['x-pusher-key: key', `x-pusher-signature: ${'0'.repeat(64)}`];
  it.each([
    ['a start', 'POST /tasks', ['x-user: ada', 'content-type: application/json', 'content-length: 20'], '408'],
    [
      'a chunked start',
      'POST /tasks',
      ['x-user: ada', 'content-type: application/json', 'transfer-encoding: chunked'],
      '408',
    ],
    [
      'what was seen',
      'POST /tasks/seen',
      ['x-user: ada', 'content-type: application/json', 'content-length: 20'],
      '408',
    ],
    [
      'a form',
      'POST /tasks/auth',
      ['x-user: ada', 'content-type: application/x-www-form-urlencoded', 'content-length: 20'],
      '408',
    ],
    ['a webhook', 'POST /tasks/webhook', [...signed, 'content-length: 20'], '408'],
    ['a cancel, which needs none', 'POST /tasks/none/cancel', ['x-user: ada', 'content-length: 20'], '404'],
    ['nobody’s', 'POST /tasks', ['content-type: application/json', 'content-length: 20'], '401'],
    ['a GET’s', 'GET /tasks', ['x-user: ada', 'content-length: 20'], '200'],
  ])('of %s ends its connection', async (_what, line, headers, status) => {
    const began = performance.now();
    const answer = await open(line, headers);
    await eventually(() => answer.isClosed, { within: 5_000 });
    expect(performance.now() - began).toBeGreaterThanOrEqual(900);
    expect(answer.text.split(' ')[1]).toBe(status);
    if (status === '408') expect(answer.text).toContain('"code":"body_timeout"');
  });

  it('that arrives in time may come in two parts', async () => {
    const body = JSON.stringify({ name: 'report', input: { n: 1 } });
    const answer = await open('POST /tasks', [
      'x-user: ada',
      'content-type: application/json',
      `content-length: ${body.length}`,
    ]);
    answer.socket.write(body.slice(0, 10));
    setTimeout(() => answer.socket.write(body.slice(10)), 200);
    await eventually(() => expect(answer.text).toContain(' 202 '));
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(answer.isClosed).toBe(false);
  });
});

/** Sends a head and no body. */
async function open(line: string, headers: readonly string[]) {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  sockets.push(socket);
  const answer = { socket, text: '', isClosed: false };
  socket.setEncoding('utf8').on('data', (text: string) => (answer.text += text));
  socket.on('error', () => undefined).on('close', () => (answer.isClosed = true));
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(`${line} HTTP/1.1\r\nHost: a.test\r\n${headers.join('\r\n')}\r\n\r\n`);
  return answer;
}

describe('POST /auth', () => {
  it.each([
    ['JSON', { body: '{"socket_id":"1.1"}', headers: JSON_TYPE }, 'application/json'],
    ['nothing', {}, 'none'],
  ])('with %s names the right content type', async (_what, init, came) => {
    const answer = await call('/auth', { method: 'POST', ...init });
    expect(answer.status).toBe(415);
    const { code, detail } = (await answer.json()) as Problem;
    expect(code).toBe('unsupported_media_type');
    expect(detail).toContain('application/x-www-form-urlencoded');
    expect(detail).toContain(came);
  });

  it('signs a user in only where that is on, and only as themselves', async () => {
    const form = () => new URLSearchParams({ socket_id: '1.1', user_id: 'bea' });
    expect((await call('/auth', { method: 'POST', body: form() })).status).toBe(403);
    const on = await listen(express().use('/tasks', taskServer({ userSignIn: true }).router));
    const answer = await fetch(`${on}/tasks/auth`, { method: 'POST', body: form(), headers: { 'x-user': 'ada' } });
    expect(await answer.json()).toEqual({
      auth: expect.stringMatching(/^key:[0-9a-f]{64}$/),
      user_data: '{"id":"ada"}',
    });
  });
});

describe('the Location of a task', () => {
  it('is below the mount of its own request', async () => {
    const own = taskServer();
    const app = express().use('/:tenant/tasks', own.router);
    app.post('/:tenant/imports', async (req, res) => {
      const task = await own.start(report, { n: 1 }, { owner: 'ada' });
      own.accepted(res, task, `/${req.params.tenant}/tasks`);
    });
    app.post('/imports', async (_req, res) => own.accepted(res, await own.start(report, { n: 1 }, { owner: 'ada' })));
    const base = await listen(app);
    const locate = async (path: string) => {
      const init = { method: 'POST', headers: { 'x-user': 'ada', ...JSON_TYPE } };
      const answer = await fetch(base + path, { ...init, body: '{"name":"report","input":{"n":1}}' });
      expect(answer.status).toBe(202);
      return (answer.headers.get('location') ?? '').replace(/[0-9a-f-]{36}$/, '');
    };
    expect(await locate('/acme/tasks')).toBe('/acme/tasks/');
    expect(await locate('/globex/tasks')).toBe('/globex/tasks/');
    const both = await Promise.all(['/acme/tasks', '/globex/tasks', '/acme/tasks'].map(locate));
    expect(both).toEqual(['/acme/tasks/', '/globex/tasks/', '/acme/tasks/']);
    expect(await locate('/acme/imports')).toBe('/acme/tasks/');
    // Not where the last request came by: that was a tenant's.
    expect(await locate('/imports')).toBe('/tasks/');
  });

  it.each([
    ['/api/tasks', '/api/tasks/'],
    ['api/tasks/', '/api/tasks/'],
    ['https://app.example.com/crm/tasks', '/crm/tasks/'],
    ['https://app.example.com', '/'],
  ])('is below the path that was said: %s', async (path, expected) => {
    const own = taskServer({ path });
    const task = await own.start(report, { n: 1 }, { owner: 'ada' });
    const base = await listen(express().get('/', (_req, res) => own.accepted(res, task)));
    expect((await fetch(base)).headers.get('location')).toBe(expected + task.id);
  });

  it.each(['ftp://a.test/tasks', 'https://a.test/tasks?x', 'https://u:p@a.test/', 7])('refuses the path %j', (path) => {
    expect(() => taskServer({ path: path as string })).toThrow(/createTaskServer: path must be a path like/);
  });
});

describe('a limit', () => {
  it('of waiting is 25 s unless set', () => {
    expect(checkLimits({})).toEqual({ waitersPerOwner: 8, waiters: 1_000, waitSeconds: 25, bodySeconds: 10 });
    expect(checkLimits({ waitSeconds: 30 }).waitSeconds).toBe(30);
  });

  it.each([
    [{ waitSeconds: 31 }, 'limits.waitSeconds must be a whole number from 1 to 30, got 31'],
    [{ waitSeconds: 0.5 }, 'limits.waitSeconds'],
    [{ bodySeconds: 0 }, 'limits.bodySeconds'],
    [{ waiters: Number.NaN }, 'limits.waiters'],
    [{ waitForever: true }, 'limits.waitForever is not known'],
  ])('refuses %j', (limits, said) => {
    expect(() => taskServer({ limits: limits as never })).toThrow(said);
  });
});

describe('the faults of a refused input', () => {
  it('are at most a hundred, each cut, whatever the body holds', async () => {
    const many = Object.fromEntries(Array.from({ length: 6_000 }, (_, n) => [`k${n}`, 1]));
    const long = { ['\u0001'.repeat(10_000)]: 1 };
    for (const input of [many, long, { n: 'x' }]) {
      const answer = await post('', { name: 'report', input });
      expect(answer.status).toBe(422);
      const text = await answer.text();
      expect(text.length).toBeLessThan(24_000);
      const { errors = [] } = JSON.parse(text) as Problem;
      expect(errors.length).toBeGreaterThanOrEqual(1);
      expect(errors.length).toBeLessThanOrEqual(100);
    }
  });

  it('of a list are cut to a hundred', async () => {
    const rows = defineTask({ name: 'rows', input: z.array(z.object({ email: z.email() })), browser: true });
    const base = await listen(express().use('/tasks', taskServer({ tasks: [rows] }).router));
    const input = Array.from({ length: 8_000 }, () => ({}));
    const answer = await fetch(`${base}/tasks`, {
      method: 'POST',
      headers: { 'x-user': 'ada', ...JSON_TYPE },
      body: JSON.stringify({ name: 'rows', input }),
    });
    const text = await answer.text();
    expect((JSON.parse(text) as Problem).errors).toHaveLength(100);
    expect(text.length).toBeLessThan(24_000);
  });
});

describe('endSessions', () => {
  it.each(['ada', '', null, undefined, 7, {}, '\ud800', 'x'.repeat(5_000)])('never throws: %j', async (owner) => {
    await expect(tasks.endSessions(owner as string)).resolves.toBeUndefined();
  });
});
