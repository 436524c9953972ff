// docs/openapi.yaml is true: it has every route of the router, and real answers are as it says. Real Redis, no bus.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { TaskError } from '../../../core/error.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import { OUTCOMES, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { LIST_STATES } from '../../../core/wire.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, NO_BUS, startApp, type TestApp } from '../../support/parts.ts';
import { startRedis, type TestRedis } from '../../support/redis/redis.ts';

interface Answer {
  readonly $ref?: string;
  readonly headers?: Record<string, { readonly $ref?: string; readonly required?: boolean; readonly schema?: object }>;
  readonly content?: Record<string, { readonly schema: object }>;
}
interface Operation {
  readonly responses: Record<string, Answer>;
}

const document = parse(readFileSync(join(REPOSITORY, 'docs', 'openapi.yaml'), 'utf8'));
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
// Version 1 of the protocol may get more fields, so the document's schemas allow unknown ones. Here they are closed: a field that
// the document does not name makes this test fail.
ajv.addSchema(JSON.parse(JSON.stringify(document), closeObject), 'document');

const SECRET = 'secret-of-the-test';
const input = z.object({ how: z.enum(['well', 'badly', 'until cancelled', 'again']) });
const report = defineTask({ name: 'report', input, browser: true, attempts: 2 });
const closed = defineTask({ name: 'closed', input });
const single = defineTask({
  name: 'single',
  input,
  browser: true,
  concurrency: { key: () => 'k', whenBusy: 'refuse' },
});
/** `POST /auth 200`, for each answer that was compared. */
const seen = new Set<string>();

let redis: TestRedis;
let backend: Backend;
let app: TestApp;
const shutdown = new AbortController();
let working: Promise<void>;

beforeAll(async () => {
  redis = await startRedis();
  backend = backendOn({ ...NO_BUS, PUSHER_SECRET: SECRET, REDIS_URL: redis.url });
  app = await startApp(backend, [report, closed, single]);
  const worker = createTaskWorker({ backend, concurrency: 4 });
  worker.handle(report, async ({ how }, task) => {
    task.progress({ done: 1, total: 3, skipped: 1, note: 'one' });
    if (how === 'badly') throw new TaskError('bad', 'It went badly.', { retryable: false });
    if (how === 'again') throw new TaskError('again', 'It may go well later.');
    if (how === 'until cancelled') {
      await new Promise((resolve) => task.signal.addEventListener('abort', resolve, { once: true }));
      task.signal.throwIfAborted();
    }
    return { rows: 3 };
  });
  working = worker.run({ signal: shutdown.signal });
}, 30_000);

afterAll(async () => {
  shutdown.abort();
  await working;
  await app.close();
  await backend.close();
  await redis.stop();
}, 30_000);

describe('docs/openapi.yaml', () => {
  it('has the routes of the router, and no other', () => {
    const routes = app.tasks.router.stack.flatMap(({ route }) =>
      route ? route.stack.map(({ method }) => `${method.toUpperCase()} ${route.path.replace(':id', '{id}')}`) : [],
    );
    expect(new Set(routes)).toEqual(new Set(operations().map(([call]) => call)));
  });

  it('says what the calls answer, in every status that it lists', async () => {
    const started = await send('POST /', { body: { name: 'report', input: { how: 'until cancelled' } } });
    const failed = await start('badly');
    const done = await start('well');
    const retried = await start('again');
    const reached = new Set<string>();
    // Each of these requests compares the snapshot with the document, in whichever status the task is then.
    const waitFor = (id: string, status: string) =>
      eventually(async () => {
        const now = await send('GET /{id}', { id });
        reached.add(now.status);
        return now.status === status;
      });
    await Promise.all([waitFor(started.id, 'running'), waitFor(failed.id, 'failed'), waitFor(done.id, 'succeeded')]);
    await eventually(async () => {
      const { tasks } = await send('GET /');
      for (const { status } of tasks as Snapshot[]) reached.add(status);
      return reached.has('retrying');
    });
    // Its outcome would change the list of unseen tasks between the two requests for it below.
    await waitFor(retried.id, 'failed');
    for (const state of LIST_STATES) await send('GET /', { query: `?state=${state}&limit=2` });
    const etag = (await app.call('ada', '/tasks?state=unseen')).headers.get('etag') ?? '';
    // With `if-none-match` alone, fetch adds `cache-control: no-cache`, and the server would answer 200 instead of 304.
    const known = { 'if-none-match': etag, 'cache-control': 'max-age=0' };
    await send('GET /', { query: '?state=unseen', headers: known });
    await send('GET /{id}', { id: done.id, headers: { prefer: 'wait=1' } });
    const { revision } = await send('GET /{id}', { id: done.id });
    await send('GET /{id}', { id: done.id, headers: { 'if-none-match': `"${revision}"` } });
    await send('DELETE /{id}', { id: started.id });
    await send('POST /{id}/cancel', { id: started.id });
    await waitFor(started.id, 'cancelled');
    await send('POST /{id}/retry', { id: failed.id });
    await send('POST /seen', { body: { ids: [done.id] } });
    await send('GET /connection');
    const form = (channel: string) => new URLSearchParams({ socket_id: '1.1', channel_name: channel });
    await send('POST /auth', { form: form('private-user-ada') });
    // What is refused.
    await send('POST /', { body: { name: 'closed', input: { how: 'well' } } });
    await send('POST /', { body: { name: 'report', input: { how: 1 } } });
    for (let n = 0; n < 2; n++) await send('POST /', { body: { name: 'single', input: { how: 'well' } } });
    await send('GET /', { query: '?limit=0' });
    await send('POST /{id}/cancel', { id: done.id });
    await send('POST /{id}/retry', { id: done.id });
    await send('POST /seen', { body: { ids: ['x'] } });
    await send('POST /clear', { body: { keepUnseen: 'x' } });
    await send('POST /auth', { form: form('private-user-bea') });
    await send('POST /auth', { body: {} });
    for (const [call] of operations()) {
      if (call === 'POST /webhook') continue;
      await send(call, { id: done.id, user: null });
      if (call.includes('{id}')) await send(call, { id: '01890000-0000-7000-8000-000000000000' });
      if (!call.startsWith('GET')) await send(call, { id: done.id, headers: { origin: 'https://evil.test' } });
    }
    await send('DELETE /{id}', { id: done.id });
    await send('POST /clear', {});
    const body = { time_ms: Date.now(), events: [{ name: 'channel_occupied', channel: 'private-user-ada' }] };
    const signature = createHmac('sha256', SECRET).update(JSON.stringify(body)).digest('hex');
    const signed = { 'x-pusher-key': 'key', 'x-pusher-signature': signature };
    await send('POST /webhook', { user: null, body, headers: signed });
    await send('POST /webhook', { user: null, body, headers: { ...signed, 'x-pusher-signature': 'wrong' } });

    const promised = operations().flatMap(([call, { responses }]) =>
      Object.keys(responses).map((status) => `${call} ${status}`),
    );
    // An input that no longer fits its schema needs a second version of the application.
    const unseen = promised.filter((answer) => !answer.endsWith(' default') && !seen.has(answer));
    expect(unseen).toEqual(['POST /{id}/retry 422']);
    // `queued` and `cancelling` may be over before anybody looks.
    expect([...reached]).toEqual(expect.arrayContaining(['running', 'retrying', ...OUTCOMES]));
  }, 30_000);
});

interface Sent {
  readonly id?: string;
  readonly query?: string;
  readonly user?: string | null;
  readonly body?: unknown;
  readonly form?: URLSearchParams;
  readonly headers?: Record<string, string>;
}

/** Sends a request, compares the answer with the document, and resolves with its body. */
async function send(
  call: string,
  { id = '', query = '', user = 'ada', body, form, headers = {} }: Sent = {},
  // biome-ignore lint/suspicious/noExplicitAny: an answer, which the document describes
): Promise<any> {
  const [method = '', path = ''] = call.split(' ');
  const answer = await app.call(user, `/tasks${path.replace('{id}', id)}${query}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(form === undefined ? {} : { body: form }),
  });
  const text = await answer.text();
  const operation = operations().find(([name]) => name === call)?.[1];
  const status = operation?.responses[answer.status] === undefined ? 'default' : String(answer.status);
  if (status === 'default' && answer.ok) throw new Error(`${call} answers ${answer.status}, which the document lacks.`);
  seen.add(`${call} ${status}`);
  const promised = resolve<Answer>(operation?.responses[status] ?? {});
  for (const [name, header] of Object.entries(promised.headers ?? {})) {
    const value = answer.headers.get(name);
    const { required, schema } = resolve(header);
    if (required) expect([call, status, name, value]).toEqual([call, status, name, expect.any(String)]);
    if (value !== null) expectValid(`${call} ${status} ${name}`, value, schema ?? {});
  }
  const type = (answer.headers.get('content-type') ?? '').replace(/;.*/, '');
  expect([call, status, type]).toEqual([call, status, Object.keys(promised.content ?? { '': {} })[0]]);
  if (text === '') return null;
  const value = JSON.parse(text);
  expectValid(`${call} ${status}`, value, promised.content?.[type]?.schema ?? {});
  return value;
}

function start(how: z.infer<typeof input>['how']): Promise<Snapshot> {
  return send('POST /', { body: { name: 'report', input: { how } } });
}

function expectValid(what: string, value: unknown, schema: object): void {
  const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/'));
  const isValid = ajv.validate(absolute, value);
  expect([what, isValid ? null : ajv.errors, value]).toEqual([what, null, value]);
}

/** The calls of the document, like `POST /{id}/cancel`. */
function operations(): [string, Operation][] {
  return Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]): [string, Operation][] =>
      method === 'parameters' ? [] : [[`${method.toUpperCase()} ${path}`, operation]],
    ),
  );
}

/** What `$ref` points to, if it is a reference. */
function resolve<T>(value: T & { readonly $ref?: string }): T {
  if (value.$ref === undefined) return value;
  return value.$ref
    .slice(2)
    .split('/')
    .reduce((at, key) => at[key], document);
}

function closeObject(_key: string, value: unknown): unknown {
  const isObject = typeof value === 'object' && value !== null && 'properties' in value && 'required' in value;
  return isObject ? { ...value, additionalProperties: false } : value;
}
