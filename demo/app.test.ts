import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Problem, Snapshot } from 'inloop';
import { type Backend, createBackend, pusherFromEnv } from 'inloop/backend';
import { createTaskWorker } from 'inloop/worker';
import { startSoketi, type TestSoketi } from '../test/support/bus/soketi.ts';
import { eventually } from '../test/support/eventually.ts';
import { startRedis, type TestRedis } from '../test/support/redis/redis.ts';
import { createApp } from './app.ts';
import { createExportHandler } from './contacts/export-contacts.ts';
import { createImportHandler } from './contacts/import-contacts.ts';
import { MAX_STORED_BYTES, MAX_UPLOADS } from './files/file-store.ts';
import { listen } from './process.ts';
import { exportContacts, importContacts } from './tasks.ts';
import { openTempData, type TempData } from './testing/temp-folder.ts';
import { sampleCsv } from './tools/sample-rows.ts';

const MAX_UPLOAD = 100_000;

let redis: TestRedis;
let soketi: TestSoketi;
let data: TempData;
let backend: Backend;
let server: Server;
let base: string;
const stopWorker = new AbortController();
let worker: Promise<void>;

beforeAll(async () => {
  [redis, soketi] = await Promise.all([startRedis(), startSoketi()]);
  data = openTempData();
  const publicDir = join(data.folder.root, 'public');
  mkdirSync(publicDir);
  writeFileSync(join(publicDir, 'index.html'), '<!doctype html><title>page</title>');
  const { appId, key, secret, host, port } = soketi.pusher;
  const bus = pusherFromEnv({
    PUSHER_APP_ID: appId,
    PUSHER_KEY: key,
    PUSHER_SECRET: secret,
    PUSHER_HOST: host,
    PUSHER_PORT: String(port),
  });
  backend = createBackend({ redis: redis.url, pusher: bus });
  const app = createApp({
    ...data,
    backend,
    bus,
    publicDir,
    sessionSecret: 'a secret for these tests',
    maxUploadBytes: MAX_UPLOAD,
  });
  server = await listen(app, '127.0.0.1', 0);
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  worker = createTaskWorker({ backend })
    .handle(importContacts, createImportHandler({ ...data, slowRowMs: 20 }))
    .handle(exportContacts, createExportHandler(data))
    .run({ signal: stopWorker.signal });
}, 60_000);

afterAll(async () => {
  stopWorker.abort();
  await worker;
  server?.close();
  server?.closeAllConnections();
  await backend?.close();
  await Promise.all([redis?.stop(), soketi?.stop()]);
  data?.remove();
}, 30_000);

// Whatever a test sent: nothing waits in the uploads once the tasks it started are done.
afterEach(() => eventually(() => expect(data ? readdirSync(data.folder.uploads) : []).toEqual([])));

async function signIn(user = 'ada'): Promise<string> {
  const response = await post('/session', JSON.stringify({ user }), { 'Content-Type': 'application/json' });
  expect(response.status).toBe(200);
  return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

const get = (path: string, cookie = '') => fetch(base + path, { headers: { cookie } });
const post = (path: string, body: BodyInit | null, headers: Record<string, string> = {}) =>
  fetch(base + path, { method: 'POST', body, headers });

function form(content: string | Uint8Array<ArrayBuffer>, filename = 'people.csv', field = 'file'): FormData {
  const data = new FormData();
  data.append(field, new Blob([content]), filename);
  return data;
}

function formWith(field: string, value: string): FormData {
  const data = new FormData();
  data.append(field, value);
  return data;
}

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  return problem;
}

async function outcomeOf(response: Response, cookie: string): Promise<Snapshot> {
  expect(response.status).toBe(202);
  const location = response.headers.get('location') ?? '';
  return eventually(async () => {
    const task = (await (await get(location, cookie)).json()) as Snapshot;
    return task.finishedAt === null ? null : task;
  }) as Promise<Snapshot>;
}

const listTasks = async (cookie: string) =>
  ((await (await get('/tasks', cookie)).json()) as { tasks: Snapshot[] }).tasks;

describe('the session', () => {
  it('signs in, says who, and signs out', async () => {
    const cookie = await signIn('  Ada Ⅸ 😀 ');
    expect(await (await get('/session', cookie)).json()).toEqual({ user: 'Ada Ⅸ 😀' });
    const out = await fetch(`${base}/session`, { method: 'DELETE', headers: { cookie } });
    expect(out.status).toBe(204);
    expect(out.headers.get('set-cookie')).toMatch(/Expires=Thu, 01 Jan 1970/);
    expect(await (await get('/session')).json()).toEqual({ user: null });
  });

  it('is over on the server when somebody signs out or in again: a copy of the cookie is worth nothing', async () => {
    const [copied, other] = [await signIn('copied'), await signIn('copied')];
    await fetch(`${base}/session`, { method: 'DELETE', headers: { cookie: copied } });
    for (const path of ['/session', '/tasks', '/contacts', '/tasks/connection']) {
      expect(await problemOf(await get(path, copied))).toMatchObject({ status: 401, code: 'bad_session' });
    }
    expect(await (await get('/session', other)).json()).toEqual({ user: 'copied' });
    const headers = { 'Content-Type': 'application/json', cookie: other };
    const again = await post('/session', '{"user":"somebody-else"}', headers);
    expect(again.status).toBe(200);
    expect((await get('/session', other)).status).toBe(401);
  });

  it.each([
    ['another site', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }],
    ['another port', { Origin: 'http://127.0.0.1:1', 'Sec-Fetch-Site': 'same-site' }],
    ['an older browser on another site', { Origin: 'https://evil.example' }],
    ['a page without an origin', { Origin: 'null' }],
  ])('is not to be used from %s', async (_where, headers) => {
    const cookie = await signIn('framed');
    const json = { 'Content-Type': 'application/json', cookie, ...headers };
    const calls = [
      post('/imports', form('email\na@b.co\n'), { cookie, ...headers }),
      post('/reports', null, { cookie, ...headers }),
      post('/session', '{"user":"eve"}', json),
      fetch(`${base}/session`, { method: 'DELETE', headers: { cookie, ...headers } }),
    ];
    for (const call of calls) expect(await problemOf(await call)).toMatchObject({ status: 403, code: 'cross_site' });
    expect(await (await get('/session', cookie)).json()).toEqual({ user: 'framed' });
    expect(await listTasks(cookie)).toEqual([]);
  });

  it('is a cookie that scripts and other sites cannot use, Secure where the browser came by https', async () => {
    const body = JSON.stringify({ user: 'ada' });
    const plain = await post('/session', body, { 'Content-Type': 'application/json' });
    expect(plain.headers.get('set-cookie')).toMatch(/HttpOnly.*SameSite=Lax/);
    expect(plain.headers.get('set-cookie')).not.toMatch(/Secure/);
    const origin = base.replace('http:', 'https:');
    const secure = await post('/session', body, {
      'Content-Type': 'application/json',
      Origin: origin,
      'Sec-Fetch-Site': 'same-origin',
    });
    expect(secure.headers.get('set-cookie')).toMatch(/Secure/);
  });

  it.each([
    ['no name', '{}', 422],
    ['an empty name', '{"user":"  "}', 422],
    ['a name of another type', '{"user":1}', 422],
    ['a name that is too long', JSON.stringify({ user: 'x'.repeat(101) }), 422],
    ['half a character', '{"user":"\\ud800"}', 422],
    ['no JSON', '{user', 400],
  ])('refuses %s', async (_what, body, status) => {
    const response = await post('/session', body, { 'Content-Type': 'application/json' });
    expect(response.status).toBe(status);
    await problemOf(response);
  });

  it('is refused everywhere once it was tampered with, and can be replaced by signing in', async () => {
    const cookie = await signIn();
    const [name = '', value = ''] = cookie.split('=');
    const tampered = [
      `${name}=${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`,
      `${name}=${Buffer.from('{"user":"bob","until":9999999999999}').toString('base64url')}`,
      `${name}=`,
    ];
    for (const bad of tampered) {
      for (const path of ['/session', '/tasks', '/contacts', '/tasks/connection']) {
        const response = await get(path, bad);
        expect(response.status).toBe(401);
        expect(await problemOf(response)).toMatchObject({ code: 'bad_session' });
      }
      const again = await post('/session', '{"user":"ada"}', { 'Content-Type': 'application/json', cookie: bad });
      expect(again.status).toBe(200);
    }
  });

  it.each(['/contacts', '/tasks', '/reports/x/file', '/imports/x/rejects'])('is asked for at %s', async (path) => {
    expect((await problemOf(await get(path))).status).toBe(401);
  });
});

describe('an import', () => {
  it('answers 202, runs, and leaves contacts and rejects for their owner only', async () => {
    const cookie = await signIn('imp-ada');
    const other = await signIn('imp-bob');
    const response = await post('/imports', form('name,email\nZoë,zoe@example.com\n=1,nope\n', 'Kunden März.csv'), {
      cookie,
    });
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    const task = await outcomeOf(response, cookie);
    expect(task).toMatchObject({ status: 'succeeded', title: 'Import Kunden März.csv' });
    const { rejectsUrl } = task.result as { rejectsUrl: string };
    expect(task.result).toEqual({ imported: 1, skipped: 1, rejectsUrl: `/imports/${task.id}/rejects` });

    const contacts = await (await get('/contacts', cookie)).json();
    expect(contacts).toEqual({
      contacts: [{ name: 'Zoë', email: 'zoe@example.com', company: '', phone: '' }],
      total: 1,
      nextCursor: null,
    });
    expect(await (await get('/contacts', other)).json()).toMatchObject({ total: 0 });

    const rejects = await get(rejectsUrl, cookie);
    expect(rejects.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(rejects.headers.get('content-disposition')).toMatch(
      /^attachment; .*filename\*=UTF-8''Kunden%20M%C3%A4rz-rejected\.csv/,
    );
    expect(rejects.headers.get('cache-control')).toBe('private, no-store');
    expect(await rejects.text()).toContain("2,The e-mail address is not valid.,'=1,nope");
    expect((await problemOf(await get(rejectsUrl, other))).status).toBe(404);
    expect((await problemOf(await get(`/tasks/${task.id}`, other))).status).toBe(404);
  });

  const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  const utf16 = Uint8Array.from([0xff, 0xfe, ...Buffer.from('email\na@b.co\n', 'utf16le')]);
  const latin1 = Uint8Array.from(Buffer.from('email,größe\na@b.co,1\n', 'latin1'));
  const zip = Uint8Array.from([0x50, 0x4b, 3, 4, 20, 0, 6, 0, 8, 0]);
  it.each([
    ['a picture', form(png), 415, 'not_csv'],
    ['a spreadsheet', form(zip), 415, 'not_csv'],
    ['UTF-16', form(utf16), 415, 'not_csv'],
    ['Latin-1', form(latin1), 415, 'not_csv'],
    ['an empty file', form(''), 422, 'empty_file'],
    ['empty lines', form('\n\r\n\n'), 422, 'empty_file'],
    ['a header alone', form('name,email\n'), 422, 'no_rows'],
    ['no e-mail column', form('name,phone\nAda,1\n'), 422, 'no_email_column'],
    ['JSON', form('{"email": "a@b.co"}\n{}\n'), 422, 'broken_csv'],
    ['a header with a broken quotation mark', form('name,"email\nAda,a@b.co\n'), 422, 'broken_csv'],
    ['a file over the limit', form(`email\n${'a@example.com\n'.repeat(7_500)}`), 413, 'file_too_large'],
    ['a file far over the limit', form(`email\n${'a@example.com\n'.repeat(200_000)}`), 413, 'file_too_large'],
    ['the wrong field', form('email\na@b.co\n', 'x.csv', 'document'), 400, 'bad_form'],
    ['a form without a file', formWith('pace', 'slow'), 400, 'no_file'],
    ['a form that ends too early', null, 400, 'bad_form'],
  ])('refuses %s: no task, no file', async (_what, body, status, code) => {
    const cookie = await signIn('bad-uploads');
    const response =
      body === null
        ? await post(
            '/imports',
            '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\na',
            {
              cookie,
              'Content-Type': 'multipart/form-data; boundary=x',
            },
          )
        : await post('/imports', body, { cookie });
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ status, code });
    expect(problem.detail).toMatch(/^[A-Z].{20,}\.$/);
    expect(await listTasks(cookie)).toEqual([]);
    // multer may answer a moment before the file is gone.
    await eventually(() => expect(readdirSync(data.folder.uploads)).toEqual([]));
  });

  it.each([
    ['two files', () => [form('email\na@b.co\n'), 'file'] as const, 400],
    ['an unknown pace', () => [form('email\na@b.co\n'), 'pace'] as const, 422],
  ])('refuses %s', async (_what, make, status) => {
    const cookie = await signIn('bad-uploads');
    const [body, field] = make();
    body.append(field, field === 'file' ? new Blob(['email\nb@b.co\n']) : 'warp');
    expect(await problemOf(await post('/imports', body, { cookie }))).toMatchObject({ status });
    expect(await listTasks(cookie)).toEqual([]);
  });

  it.each(['application/json', 'text/csv'])('refuses a body of type %s', async (type) => {
    const cookie = await signIn('bad-uploads');
    const response = await post('/imports', 'email\na@b.co\n', { cookie, 'Content-Type': type });
    expect(await problemOf(response)).toMatchObject({ status: 415, code: 'no_file' });
  });

  it('is refused while too many of the same user wait, and while their files take too much', async () => {
    const [cookie, other] = [await signIn('greedy'), await signIn('modest')];
    for (let n = 0; n < MAX_UPLOADS; n++) data.db.files.note(`waiting-${n}`, 'upload', 'greedy', 1);
    const many = await post('/imports', form('email\na@b.co\n'), { cookie });
    expect(await problemOf(many)).toMatchObject({ status: 429, code: 'too_many_uploads' });
    expect(many.headers.get('retry-after')).toBe('10');
    for (let n = 0; n < MAX_UPLOADS; n++) data.db.files.remove(`waiting-${n}`);
    data.db.files.note('report', 'download', 'greedy', MAX_STORED_BYTES - 8);
    const full = await post('/imports', form('email\na@b.co\n'), { cookie });
    expect(await problemOf(full)).toMatchObject({ status: 413, code: 'storage_full' });
    data.db.files.note('report', 'download', 'greedy', MAX_STORED_BYTES + 1);
    expect(await problemOf(await post('/reports', null, { cookie }))).toMatchObject({ code: 'storage_full' });
    expect(await listTasks(cookie)).toEqual([]);
    await outcomeOf(await post('/imports', form('email\na@b.co\n'), { cookie: other }), other);
    // What was imported takes no room any more.
    expect(() => data.db.files.requireRoom('modest', 'upload', MAX_STORED_BYTES)).not.toThrow();
  });

  it('is refused while too many of the same user are on their way', async () => {
    const cookie = await signIn('hurried');
    const uploads = Array.from({ length: 10 }, () => {
      const upload = request(`${base}/imports`, {
        method: 'POST',
        headers: { cookie, 'Content-Type': 'multipart/form-data; boundary=x' },
      });
      upload.on('error', () => {});
      upload.write('--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\na@b.co\n');
      return upload;
    });
    await eventually(() => expect(readdirSync(data.folder.uploads)).toHaveLength(10));
    const eleventh = await post('/imports', form('email\na@b.co\n'), { cookie });
    expect(await problemOf(eleventh)).toMatchObject({ status: 429, code: 'too_many_uploads' });
    for (const upload of uploads) upload.destroy();
    await eventually(async () =>
      expect((await post('/imports', form('email\na@b.co\n'), { cookie })).status).toBe(202),
    );
  });

  it('is refused without a session before a byte is stored', async () => {
    expect((await problemOf(await post('/imports', form('email\na@b.co\n')))).status).toBe(401);
  });

  it('is refused while it is read: an endless body gets its answer', async () => {
    const cookie = await signIn('bad-uploads');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const upload = request(`${base}/imports`, {
        method: 'POST',
        headers: { cookie, 'Content-Type': 'multipart/form-data; boundary=x' },
      });
      let isAnswered = false;
      upload.on('response', (response) => {
        isAnswered = true;
        resolve(response.statusCode);
        response.resume();
        upload.destroy();
      });
      upload.on('error', reject);
      upload.write('--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\n');
      const send = () => {
        if (!isAnswered) upload.write('a@example.com\n'.repeat(1_000), () => setImmediate(send));
      };
      send();
    });
    expect(status).toBe(413);
    await eventually(() => expect(readdirSync(data.folder.uploads)).toEqual([]));
  });

  it('leaves nothing behind when the browser goes away in the middle', async () => {
    const cookie = await signIn('bad-uploads');
    const upload = request(`${base}/imports`, {
      method: 'POST',
      headers: { cookie, 'Content-Type': 'multipart/form-data; boundary=x' },
    });
    upload.on('error', () => {});
    upload.write('--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\na@example.com\n');
    await eventually(() => expect(readdirSync(data.folder.uploads)).toHaveLength(1));
    upload.destroy();
    await eventually(() => expect(readdirSync(data.folder.uploads)).toEqual([]));
    expect(await listTasks(cookie)).toEqual([]);
  });

  it('gives one task for one Idempotency-Key, and refuses the key for another file', async () => {
    const cookie = await signIn('idem');
    const headers = { cookie, 'Idempotency-Key': 'k1' };
    const first = (await (await post('/imports', form('email\na@b.co\n'), headers)).json()) as Snapshot;
    const second = (await (await post('/imports', form('email\na@b.co\n'), headers)).json()) as Snapshot;
    expect(second.id).toBe(first.id);
    const other = await post('/imports', form('email\nother@b.co\n'), headers);
    expect(other.status).toBe(422);
    await eventually(async () => expect((await listTasks(cookie))[0]?.status).toBe('succeeded'));
    const late = (await (await post('/imports', form('email\na@b.co\n'), headers)).json()) as Snapshot;
    expect(late.id).toBe(first.id);
    expect(await listTasks(cookie)).toHaveLength(1);
  });

  it('that turns bad in the middle fails with a reason, and keeps what came before', async () => {
    const cookie = await signIn('torn');
    const response = await post('/imports', form([...sampleCsv({ rows: 60, kind: 'torn' })].join('')), { cookie });
    const task = await outcomeOf(response, cookie);
    expect(task).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'broken_csv', retryable: false, message: expect.stringMatching(/^Row 40 .* 39 were imported/) },
      progress: { done: 39 },
    });
    expect(await (await get('/contacts', cookie)).json()).toMatchObject({ total: 39 });
  });

  it('shows its progress row by row at pace slow', async () => {
    const cookie = await signIn('slow');
    const body = form([...sampleCsv({ rows: 100 })].join(''));
    body.append('pace', 'slow');
    const { id } = (await (await post('/imports', body, { cookie })).json()) as Snapshot;
    const seen = new Set<number>();
    await eventually(async () => {
      const task = (await (await get(`/tasks/${id}`, cookie)).json()) as Snapshot;
      if (task.status === 'running' && task.progress) seen.add(task.progress.done);
      return task.status === 'succeeded';
    });
    expect(seen.size).toBeGreaterThan(5);
  });
});

describe('contacts and reports', () => {
  it('pages through the contacts', async () => {
    const cookie = await signIn('pager');
    await outcomeOf(await post('/imports', form([...sampleCsv({ rows: 45 })].join('')), { cookie }), cookie);
    const emails: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const path: string = `/contacts?limit=20${cursor && `&cursor=${cursor}`}`;
      const page = (await (await get(path, cookie)).json()) as {
        contacts: { email: string }[];
        nextCursor: string | null;
      };
      emails.push(...page.contacts.map(({ email }) => email));
      cursor = page.nextCursor;
    }
    expect(new Set(emails).size).toBe(45);
    expect(emails).toEqual(emails.toSorted());
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'limit=1&limit=2', 'cursor=*', 'cursor=a&cursor=b'])(
    'refuses the query %s',
    async (query) => {
      expect(await problemOf(await get(`/contacts?${query}`, await signIn()))).toMatchObject({ status: 400 });
    },
  );

  it('exports to a file that only its owner can open', async () => {
    const cookie = await signIn('rep-ada');
    const other = await signIn('rep-bob');
    await outcomeOf(await post('/imports', form('name,email\nAda,ada@example.com\n'), { cookie }), cookie);
    const task = await outcomeOf(await post('/reports', null, { cookie }), cookie);
    expect(task.result).toEqual({ exported: 1, downloadUrl: `/reports/${task.id}/file` });
    const file = await get(`/reports/${task.id}/file`, cookie);
    expect(await file.text()).toBe('name,email,company,phone\r\nAda,ada@example.com,,\r\n');
    expect((await problemOf(await get(`/reports/${task.id}/file`, other))).status).toBe(404);
    expect((await problemOf(await get(`/reports/${task.id}/file`))).status).toBe(401);
    expect((await problemOf(await get('/reports/..%2f..%2fdemo.db/file', cookie))).status).toBe(404);
  });
});

describe('the page and the probes', () => {
  it('serves the page with a policy that names the bus and allows nothing inline', async () => {
    const page = await get('/');
    expect(await page.text()).toContain('<title>page</title>');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain(`ws://127.0.0.1:${soketi.pusher.port}`);
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(page.headers.get('x-powered-by')).toBeNull();
  });

  it('serves the samples to everyone', async () => {
    const sample = await get('/samples/contacts-100.csv');
    expect(sample.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(await sample.text()).toBe([...sampleCsv({ rows: 100 })].join(''));
    expect((await get('/samples/other.csv')).status).toBe(404);
  });

  it('answers what is nowhere with a problem', async () => {
    expect(await problemOf(await get('/nowhere'))).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('shows metrics, inloop’s among them', async () => {
    const metrics = await (await get('/metrics')).text();
    expect(metrics).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(metrics).toMatch(/^inloop_push_events_total \d+/m);
    for (const kind of ['queued', 'running', 'progress', 'retrying', 'cancelling', 'outcome', 'seen']) {
      for (const fate of ['sent', 'merged', 'dropped']) {
        expect(metrics).toMatch(new RegExp(`^inloop_push_messages_total{kind="${kind}",fate="${fate}"} \\d+`, 'm'));
      }
    }
  });

  it('is ready while Redis and push answer, and names the one that does not', async () => {
    expect((await get('/healthz')).status).toBe(200);
    const ready = await get('/readyz');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: 'ready', redis: true, push: true });
    await soketi.kill();
    const away = await get('/readyz');
    expect(away.status).toBe(503);
    expect(await away.json()).toEqual({ status: 'not ready: push not answering', redis: true, push: false });
    await soketi.restart();
    await eventually(async () => expect((await get('/readyz')).status).toBe(200), { within: 10_000 });
  }, 30_000);
});
