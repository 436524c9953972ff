// The example of a page at another origin, examples/other-origin, in Chromium with a real Redis, Soketi and Express: it starts a
// task with a bearer token, follows it live, and cancels it. Without a token, or from another page, nothing is answered.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import express from 'express';
import { type Backend, createBackend, pusherFromEnv } from 'inloop/backend';
import type { PendingFeed } from 'inloop/client';
import type { InloopTray } from 'inloop/element';
import type { Browser } from 'playwright-core';
import { REPOSITORY } from '../../../dev/paths.ts';
import { createApi } from '../../../examples/other-origin/api.ts';
import type { showTasks } from '../../../examples/other-origin/page.ts';
import { makeToken } from '../../../examples/other-origin/tokens.ts';
import { bundleForBrowser, servePage } from '../../support/browser/browser-bundle.ts';
import { launchChromium } from '../../support/browser/chromium.ts';
import { eventually } from '../../support/eventually.ts';
import { type HttpServer, startHttpServer } from '../../support/http-server.ts';
import { recordLog } from '../../support/log.ts';
import { startBus, type TestBus } from '../../support/parts.ts';

/** What the page's script puts into its window. */
interface PageWindow {
  showTasks: typeof showTasks;
}

let bus: TestBus;
let backend: Backend;
let browser: Browser;
let api: HttpServer;
/** Two pages at origins of their own. The API lists the first. */
const pages: HttpServer[] = [];

beforeAll(async () => {
  bus = await startBus();
  backend = createBackend({ redis: bus.env.REDIS_URL, pusher: pusherFromEnv(bus.env), log: recordLog() });
  const script = await bundleForBrowser(
    "import { showTasks } from './examples/other-origin/page.ts'; Object.assign(window, { showTasks });",
    {
      alias: {
        'inloop/client': join(REPOSITORY, 'client/index.ts'),
        'inloop/element': join(REPOSITORY, 'client/element/index.ts'),
      },
    },
  );
  for (let n = 0; n < 2; n++) {
    const app = express();
    servePage(app, '/page', script);
    pages.push(await startHttpServer(app));
  }
  api = await startHttpServer(createApi(backend, [(pages[0] as HttpServer).url]));
  browser = await launchChromium();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  for (const server of [api, ...pages]) await server?.close();
  await backend?.close();
  await bus?.stop();
}, 30_000);

/** Opens a page that shows Ada's tasks. Returns the page, and the status of its connection. */
async function openPage({ url }: HttpServer) {
  const page = await browser.newPage();
  await page.goto(`${url}/page`);
  await page.evaluate(
    ([to, user]) => {
      const { showTasks } = window as unknown as PageWindow;
      Object.assign(window, { feed: showTasks(to, user) });
    },
    [api.url, 'ada'] as const,
  );
  const status = () =>
    page.evaluate(() => (window as unknown as { feed: PendingFeed }).feed.getSnapshot().connection.status);
  return { page, status };
}

it('starts, follows live and cancels a task from a page at a listed origin', async () => {
  const { page, status } = await openPage(pages[0] as HttpServer);
  await eventually(async () => expect(await status()).toBe('live'), { within: 15_000 });
  const asked: string[] = [];
  page.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
  const id = await page.evaluate(async () => {
    const { feed } = window as unknown as { feed: PendingFeed };
    return (await feed.start('build-report', { month: 'May' })).id;
  });
  await page.evaluate(() => (document.querySelector('inloop-tray') as InloopTray).show());
  await page.getByText('Report of May').first().waitFor();
  await page.evaluate((task) => (window as unknown as { feed: PendingFeed }).feed.cancel(task), id);
  await eventually(async () =>
    expect(await page.evaluate((task) => (window as unknown as { feed: PendingFeed }).feed.get(task)?.status, id)).toBe(
      'cancelled',
    ),
  );
  // One token serves all requests, and the page does not poll.
  expect(asked.filter((one) => one.endsWith('/token') || one.startsWith('GET'))).toEqual([]);
  await page.close();
}, 60_000);

it('lets a page of another origin neither sign in nor read', async () => {
  const { page, status } = await openPage(pages[1] as HttpServer);
  expect(
    await page.evaluate(
      (to) =>
        fetch(`${to}/token`, { method: 'POST' }).then(
          () => 'answered',
          () => 'blocked',
        ),
      api.url,
    ),
  ).toBe('blocked');
  expect(await status()).not.toBe('live');
  await page.close();
}, 30_000);

it('answers 401 to a token that is missing, forged or over', async () => {
  const forged = `${makeToken('ada').slice(0, -1)}_`;
  for (const authorization of ['', 'Bearer of-ada', `Bearer ${forged}`]) {
    expect((await fetch(`${api.url}/tasks`, { headers: { authorization } })).status).toBe(401);
  }
  const clock = jest.spyOn(Date, 'now').mockReturnValueOnce(Date.now() - 600_001);
  const old = makeToken('ada');
  clock.mockRestore();
  expect((await fetch(`${api.url}/tasks`, { headers: { authorization: `Bearer ${old}` } })).status).toBe(401);
});
