// Pages of other origins, in a real browser: a listed one works like an own one, by cookie or by bearer token; any other
// can neither act nor read, though its requests carry the user's cookie. Real Redis, Soketi and Chromium.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import type { Browser } from 'playwright-core';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import type { connectTasks } from '../../../client/index.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import { sameOrigin } from '../../../server/origins.ts';
import { createTaskServer, type TaskServer } from '../../../server/task-server.ts';
import { bundleForBrowser, servePage } from '../../support/browser/browser-bundle.ts';
import { launchChromium } from '../../support/browser/chromium.ts';
import { type HttpServer, startHttpServer } from '../../support/http-server.ts';
import { backendOn, startBus, type TestBus } from '../../support/parts.ts';

const wait = defineTask({ name: 'wait', input: z.object({}), browser: true });
const COOKIE = 'user=ada';
const TOKEN = 'Bearer of-ada';

/** What the page's script puts into its window. */
interface PageWindow {
  connectTasks: typeof connectTasks;
  Pusher: never;
}

let bus: TestBus;
let backend: Backend;
let tasks: TaskServer;
let browser: Browser;
let script: string;
const servers: HttpServer[] = [];
/** The origins of the application and of three pages: another port of the same site, another site, and one not listed. */
let api: string;
let sibling: string;
let foreign: string;
let unlisted: string;

/** Serves `app` on a free port. Resolves with its origin, in which the machine is called `host`. */
async function serve(app: express.Express, host = '127.0.0.1'): Promise<string> {
  const server = await startHttpServer(app);
  servers.push(server);
  return `http://${host}:${server.port}`;
}

async function servePages(host?: string): Promise<string> {
  const app = express();
  servePage(app, '/page', script);
  return serve(app, host);
}

beforeAll(async () => {
  bus = await startBus();
  backend = backendOn(bus.env);
  script = await bundleForBrowser(
    "import Pusher from 'pusher-js'; import { connectTasks } from './client/index.ts'; Object.assign(window, { Pusher, connectTasks });",
  );
  sibling = await servePages();
  foreign = await servePages('localhost');
  unlisted = await servePages();
  const origins = [sibling, foreign];
  tasks = createTaskServer({
    backend,
    tasks: [wait],
    identify: (req) => (req.get('Cookie') === COOKIE || req.get('Authorization') === TOKEN ? 'ada' : null),
    origins,
  });
  const app = express();
  app.use('/tasks', tasks.router);
  app.post('/imports', sameOrigin({ origins }), async (_req, res) => {
    tasks.accepted(res, await tasks.start(wait, {}, { owner: 'ada' }));
  });
  api = await serve(app);
  browser = await launchChromium();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  for (const server of servers) await server.close();
  await backend.close();
  await bus.stop();
}, 30_000);

async function openPage(origin: string, hasCookie: boolean) {
  const context = await browser.newContext();
  if (hasCookie) await context.addCookies([{ name: 'user', value: 'ada', url: api, sameSite: 'Lax' }]);
  const page = await context.newPage();
  await page.goto(`${origin}/page`);
  return page;
}

const count = async () => (await tasks.tasks.list('ada', { limit: 100 })).tasks.length;

describe('a page of a listed origin', () => {
  it.each([
    ['another port, by cookie', () => sibling, true],
    ['another site, by bearer token', () => foreign, false],
  ])(
    'on %s is live, starts, cancels, retries and sees',
    async (_what, origin, hasCookie) => {
      const page = await openPage(origin(), hasCookie);
      const done = await page.evaluate(
        async ([url, token]) => {
          const { connectTasks, Pusher } = window as unknown as PageWindow;
          const feed = await connectTasks({ url, Pusher, ...(token ? { headers: { authorization: token } } : {}) });
          const until = (isSo: () => boolean) =>
            new Promise<void>((resolve) => {
              const check = () => {
                if (!isSo()) return;
                stop();
                resolve();
              };
              const stop = feed.subscribe(check);
              queueMicrotask(check);
            });
          await until(() => feed.getSnapshot().connection.status === 'live');
          const started = await feed.start('wait', {}, { idempotencyKey: `key of ${location.origin}` });
          const cancelled = await feed.cancel(started.id);
          const again = await feed.retry(started.id);
          feed.seen([started.id]);
          await feed.cancel(again.id);
          const answer = await fetch(`${url}/${again.id}`, {
            credentials: 'include',
            headers: { 'if-none-match': '"0"', prefer: 'wait=1', ...(token ? { authorization: token } : {}) },
          });
          const read = Object.fromEntries(
            ['etag', 'inloop-channel', 'inloop-protocol', 'inloop-time'].map((name) => [
              name,
              answer.headers.get(name),
            ]),
          );
          const imported = await fetch(`${new URL(url).origin}/imports`, { method: 'POST', credentials: 'include' });
          feed.close();
          return { status: cancelled.status, retryOf: again.retryOf === started.id, read, imported: imported.status };
        },
        [`${api}/tasks`, hasCookie ? '' : TOKEN] as const,
      );
      expect(done).toEqual({
        status: 'cancelled',
        retryOf: true,
        read: {
          etag: '"2"',
          'inloop-channel': 'private-user-ada',
          'inloop-protocol': '1',
          'inloop-time': expect.stringMatching(/^\d{4}-.*Z$/),
        },
        imported: 202,
      });
      await page.context().close();
    },
    60_000,
  );
});

describe('a page of any other origin', () => {
  it('can neither act nor read, though its requests carry the cookie', async () => {
    const task = await tasks.start(wait, {}, { owner: 'ada' });
    const before = await count();
    const page = await openPage(unlisted, true);
    const outcomes = await page.evaluate(
      async ([origin, id]) => {
        const attempt = (path: string, init: RequestInit = {}) =>
          fetch(origin + path, { credentials: 'include', ...init }).then(
            (res) => `${res.type} ${res.status}`,
            () => 'blocked',
          );
        const body = '{"name":"wait","input":{}}';
        const simple = { method: 'POST', mode: 'no-cors' } as const;
        return Promise.all([
          attempt('/tasks'),
          attempt('/tasks', { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
          attempt('/tasks', { ...simple, body }),
          attempt(`/tasks/${id}/cancel`, simple),
          attempt(`/tasks/${id}/cancel`, { method: 'POST' }),
          attempt('/imports', simple),
          attempt('/imports', { method: 'POST' }),
        ]);
      },
      [api, task.id] as const,
    );
    // The page cannot read an opaque answer, not even its status.
    expect(outcomes).toEqual(['blocked', 'blocked', 'opaque 0', 'opaque 0', 'blocked', 'opaque 0', 'blocked']);
    // A form that is sent by navigation acts without reading an answer.
    const [answer] = await Promise.all([
      page.waitForResponse((res) => res.url().endsWith('/cancel')),
      page.evaluate(
        ([origin, id]) => {
          const form = document.body.appendChild(document.createElement('form'));
          Object.assign(form, { method: 'POST', action: `${origin}/tasks/${id}/cancel` });
          form.submit();
        },
        [api, task.id] as const,
      ),
    ]);
    expect(answer.status()).toBe(403);
    expect((await tasks.tasks.get('ada', task.id)).status).toBe('queued');
    expect(await count()).toBe(before);
    await page.context().close();
  }, 60_000);
});
