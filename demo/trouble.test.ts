import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { problemHandler } from 'inloop/server';
import { LOOPBACK } from '../cli/processes/ports.ts';
import { eventually } from '../test/support/eventually.ts';
import { openDatabase } from './database/database.ts';
import { createSessionRouter, readSession } from './session/session.ts';
import { readServerSettings } from './settings.ts';
import { createTroubleRouter } from './trouble.ts';

const closing: (() => Promise<void>)[] = [];
/** The requests that the supervisor got. */
let asked: string[];
let base: string;
let cookie: string;
let stop: AbortController;

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
}

beforeEach(async () => {
  asked = [];
  stop = new AbortController();
  const control = await listen(
    createServer((req, res) => {
      asked.push(`${req.method} ${req.url}`);
      res.end(JSON.stringify({ lasting: [] }));
    }),
  );
  const app = express();
  const session = { sessions: openDatabase(':memory:').sessions, secret: 'a secret for these tests' };
  app.use(readSession(session));
  app.use(createTroubleRouter(`${control}/secret`, stop.signal));
  app.use('/session', createSessionRouter(session));
  app.use(problemHandler());
  base = await listen(createServer(app));
  const response = await fetch(`${base}/session`, {
    method: 'POST',
    body: '{"user":"ada"}',
    headers: { 'Content-Type': 'application/json' },
  });
  cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const make = (body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  fetch(`${base}/trouble`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', cookie, ...headers },
    ...(signal ? { signal } : {}),
  });
const KILL = { kind: 'kill-worker' };

describe('trouble', () => {
  it('is passed on to the supervisor, reported and ended', async () => {
    expect((await make(KILL)).status).toBe(200);
    expect(await (await fetch(`${base}/trouble`, { headers: { cookie } })).json()).toEqual({ lasting: [] });
    expect((await fetch(`${base}/trouble`, { method: 'DELETE', headers: { cookie } })).status).toBe(200);
    expect(asked).toEqual(['POST /secret/kill-worker', 'GET /secret', 'POST /secret/end-all']);
  });

  it('is announced in the answer of /session, but not through a proxy', async () => {
    expect((await fetch(`${base}/session`)).headers.get('link')).toBe('</trouble>; rel="trouble"');
    const through = await fetch(`${base}/session`, { headers: { 'X-Forwarded-For': '198.51.100.7' } });
    expect(through.headers.get('link')).toBeNull();
  });

  it.each([
    ['nobody', { cookie: '' }, 401],
    ['another site’s page', { Origin: 'https://evil.example' }, 403],
    ['a page of another port', { Origin: 'http://127.0.0.1:1' }, 403],
    ['a page without an origin', { Origin: 'null' }, 403],
    ['another site, as the browser says', { 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['another port, as the browser says', { 'Sec-Fetch-Site': 'same-site' }, 403],
    ['somebody behind a proxy', { 'X-Forwarded-For': '198.51.100.7' }, 403],
  ])('is refused to %s', async (_who, headers, status) => {
    expect((await make(KILL, headers)).status).toBe(status);
    expect(asked).toEqual([]);
  });

  it('is refused to a site whose name points to this address', async () => {
    const { port } = new URL(base);
    const status = await new Promise((resolve) => {
      const headers = {
        Host: `evil.example:${port}`,
        Origin: `http://evil.example:${port}`,
        'Content-Type': 'application/json',
      };
      request(`${base}/trouble`, { method: 'POST', headers: { ...headers, cookie } }, (res) =>
        resolve(res.statusCode),
      ).end(JSON.stringify(KILL));
    });
    expect(status).toBe(403);
    expect(asked).toEqual([]);
  });

  it.each([
    [{ kind: 'format-disk' }],
    [{ kind: 'end-all/../kill-worker' }],
    [{ kind: 'kill-worker', ms: 1 }],
    [{ kind: 'sleep', seconds: 601 }],
    [{ kind: 'sleep', seconds: 0 }],
    [{ kind: 'sleep' }],
    [[]],
  ])('is refused with the body %j', async (body) => {
    expect((await make(body)).status).toBe(422);
    expect(asked).toEqual([]);
  });

  it('is answered 503 while the supervisor does not answer, without its secret address', async () => {
    // The first entry closes the supervisor's server, which was started first.
    await closing.shift()?.();
    const response = await make(KILL);
    expect(response.status).toBe(503);
    expect(await response.text()).not.toMatch(/secret/);
  });
});

describe('a sleep', () => {
  it('is answered when it is over, and drops the connections', async () => {
    const before = Date.now();
    expect((await make({ kind: 'sleep', seconds: 1 })).status).toBe(200);
    expect(Date.now() - before).toBeGreaterThan(900);
    expect(asked).toEqual(['POST /secret/drop-connection']);
  });

  it.each([
    ['is over when all trouble is ended', () => fetch(`${base}/trouble`, { method: 'DELETE', headers: { cookie } })],
    ['is over when the server ends', () => stop.abort()],
  ])('%s', async (_what, end) => {
    const answer = make({ kind: 'sleep', seconds: 600 });
    await eventually(async () => {
      const report = await (await fetch(`${base}/trouble`, { headers: { cookie } })).json();
      expect(report).toEqual({ lasting: [{ kind: 'sleep', leftMs: expect.any(Number) }] });
    });
    await end();
    expect((await answer).status).toBe(200);
  });

  it('is refused to a sixth tab, and a tab that was closed does not count', async () => {
    const gone = new AbortController();
    const sleep = (signal?: AbortSignal) => make({ kind: 'sleep', seconds: 600 }, {}, signal);
    const answers = Array.from({ length: 5 }, () => sleep(gone.signal).catch(() => null));
    await eventually(() => expect(asked).toHaveLength(5));
    expect((await sleep()).status).toBe(429);
    gone.abort();
    await Promise.all(answers);
    // The server may refuse until it has noticed that the tabs are closed. A sixth call to the supervisor means that this tab sleeps.
    const last = await eventually(async () => {
      const answer = sleep();
      const early = await Promise.race([answer, eventually(() => asked.length > 5).then(() => null)]);
      return early === null && { answer };
    });
    stop.abort();
    expect((await last.answer).status).toBe(200);
  });
});

describe('the settings', () => {
  const env = { REDIS_URL: 'redis://127.0.0.1', DATA_DIR: '/tmp', SESSION_SECRET: 'x'.repeat(16) };
  const url = 'http://127.0.0.1:1/secret';

  it('offer trouble if npm start passes an address, and never in production', () => {
    expect(readServerSettings(env).troubleUrl).toBeNull();
    expect(readServerSettings({ ...env, INLOOP_TROUBLE_URL: url }).troubleUrl).toBe(url);
    expect(readServerSettings({ ...env, INLOOP_TROUBLE_URL: url, NODE_ENV: 'production' }).troubleUrl).toBeNull();
  });
});
