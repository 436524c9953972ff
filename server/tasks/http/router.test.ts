// What the router answers: whose an answer is, where a task is, what is refused. Real Redis, no bus.
import { beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { z } from 'zod';
import { defineTask } from '../../../core/tasks/definition.ts';
import type { Problem } from '../../../core/wire.ts';
import { JSON_TYPE, report, useRouter } from '../../../test/support/router-world.ts';
import { checkLimits } from '../../options.ts';

const world = useRouter();
const { call, listen, post, start, taskServer } = world;

describe('every answer', () => {
  it('names the time at which it left and, unless it is a 403, its user', async () => {
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
      // A 403 is given before `identify` is called, so it names no user.
      expect([status, headers.get('inloop-channel')]).toEqual([status, status === 403 ? null : 'private-user-ada']);
      expect(headers.get('inloop-protocol')).toBe('1');
      const time = headers.get('inloop-time') ?? '';
      expect(new Date(time).toISOString()).toBe(time);
      expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(5_000);
    }
  });

  it('is for the browser that asked, and for no cache on the way', async () => {
    const { id } = await start();
    for (const path of ['', '?state=unseen', `/${id}`, '/connection', '/none']) {
      expect([path, (await call(path)).headers.get('cache-control')]).toEqual([path, 'private, no-cache']);
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
    // And not below the path of the last request, which was a tenant's.
    expect(await locate('/imports')).toBe('/tasks/');
  });

  it.each([
    ['/api/tasks', '/api/tasks/'],
    ['api/tasks/', '/api/tasks/'],
    ['https://app.example.com/crm/tasks', '/crm/tasks/'],
    ['https://app.example.com', '/'],
  ])('is below the option `path`: %s', async (path, expected) => {
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
  it('has a default: 25 s for waiting', () => {
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

describe('bad requests', () => {
  const count = defineTask({
    name: 'count',
    input: z.object({ to: z.number().int().positive(), pause: z.number().default(0) }),
    browser: true,
  });
  const inner = defineTask({ name: 'inner', input: z.object({}) });
  let url: string;
  beforeAll(async () => {
    url = await listen(express().use('/tasks', taskServer({ tasks: [count, inner] }).router));
  });
  const ask = (user: string | null, path: string, init: RequestInit = {}) =>
    fetch(url + path, { ...init, headers: { ...(user === null ? {} : { 'x-user': user }), ...init.headers } });

  const table: [string, RequestInit, number, string][] = [
    ['an unknown name', { body: '{"name":"nope","input":{}}' }, 404, 'unknown_task'],
    ['a name of another type', { body: '{"name":7}' }, 404, 'unknown_task'],
    ['a definition not open to browsers', { body: '{"name":"inner","input":{}}' }, 404, 'unknown_task'],
    ['a body that is not JSON', { body: '{"name":' }, 400, 'invalid_json'],
    ['a body of another type', { body: 'name=count', headers: { 'content-type': 'text/plain' } }, 400, 'invalid_json'],
    ['a body that is no object', { body: '[]' }, 422, 'invalid_body'],
    [
      'an input of 70,000 bytes',
      { body: JSON.stringify({ name: 'count', input: { to: 1, x: 'x'.repeat(70_000) } }) },
      413,
      'too_large',
    ],
    [
      'an Idempotency-Key of 256 characters',
      { body: '{"name":"count","input":{"to":1}}', headers: { 'idempotency-key': 'k'.repeat(256) } },
      400,
      'invalid_idempotency_key',
    ],
    [
      'a request from another site',
      { body: '{"name":"count","input":{"to":1}}', headers: { 'sec-fetch-site': 'cross-site' } },
      403,
      'cross_site',
    ],
  ];
  it.each(table)('%s', async (_, init, status, code) => {
    const response = await ask('ada', '/tasks', {
      method: 'POST',
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
    });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toMatchObject({ type: 'about:blank', status, code, detail: expect.any(String) });
  });

  it('an input against the schema gets 422 with the path of each fault', async () => {
    const response = await ask('ada', '/tasks', {
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify({ name: 'count', input: { to: -1, pause: 'long' } }),
    });
    expect(response.status).toBe(422);
    const problem = (await response.json()) as { code: string; errors: { path: string[] }[] };
    expect(problem.code).toBe('invalid_input');
    expect(problem.errors.map(({ path }) => path)).toEqual([['to'], ['pause']]);
  });

  it.each(['?state=lost', '?limit=0', '?limit=101', '?limit=ten', '?cursor=..'])('GET /%s gets 400', async (query) => {
    expect((await ask('ada', `/tasks${query}`)).status).toBe(400);
  });

  it.each(['/tasks/nope', '/tasks/00000000-0000-7000-8000-000000000000', '/tasks/a/b/c'])(
    'GET %s gets 404',
    async (path) => {
      expect((await ask('ada', path)).status).toBe(404);
    },
  );

  it.each([
    'GET /tasks',
    'GET /tasks/x',
    'POST /tasks',
    'GET /tasks/connection',
    'POST /tasks/auth',
    'POST /tasks/seen',
    'POST /tasks/x/cancel',
  ])('without an identity %s gets 401', async (request) => {
    const [method = '', path = ''] = request.split(' ');
    const response = await ask(null, path, { method });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'unauthenticated' });
  });

  it('a webhook without the right signature gets 401', async () => {
    const response = await ask(null, '/tasks/webhook', {
      method: 'POST',
      headers: { ...JSON_TYPE, 'x-pusher-key': 'k', 'x-pusher-signature': 's' },
      body: JSON.stringify({ time_ms: 1, events: [] }),
    });
    expect(response.status).toBe(401);
  });
});

describe('the issues of a refused input', () => {
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
    await expect(world.tasks.endSessions(owner as string)).resolves.toBeUndefined();
  });
});
