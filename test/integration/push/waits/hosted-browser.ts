// Which hosts a browser tries when only PUSHER_CLUSTER says where push is: Pusher's, in the order of pusher-js, and none of
// ours. No host name resolves in this browser, as in a network that blocks everything.
import { expect, it } from '@jest/globals';
import helmet from 'helmet';
import type { Browser } from 'playwright-core';
import { z } from 'zod';
import { defineTask } from '../../../../core/tasks/definition.ts';
import { contentPolicy } from '../../../../demo/content-policy.ts';
import { bundleForBrowser, servePage } from '../../../support/browser/browser-bundle.ts';
import { launchChromium } from '../../../support/browser/chromium.ts';
import { eventually } from '../../../support/eventually.ts';
import { backendOn, startApp, type TestApp } from '../../../support/parts.ts';
import { startRedis } from '../../../support/redis/redis.ts';

/**
 * Not the cluster of test/support/bus/hosted-pusher.ts: another test of waits.test.ts uses that stand-in, in the same process, and
 * counts what is sent there.
 */
const PUSHER_CLUSTER = 'us2';
const sort = defineTask({ name: 'sort', input: z.object({}), browser: true });

/** Registers the test. */
export function testHostedBrowser(): void {
  it.concurrent(
    'a browser of an application on hosted Pusher, without WebSockets, is told the cluster and no host: it tries Pusher’s WebSockets, then Pusher’s HTTP transports, never us, and follows by polling',
    withHostedPage(async (app, browser) => {
      await expectClusterOnly(app);
      await expectTransports(app, browser);
    }),
    60_000,
  );
}

/** The body of a test with an app, and a browser for which no host name resolves. */
const withHostedPage = (test: (app: TestApp, browser: Browser) => Promise<void>) => async () => {
  const redis = await startRedis();
  const env = { PUSHER_APP_ID: '1', PUSHER_KEY: 'key', PUSHER_SECRET: 'secret', PUSHER_CLUSTER };
  const backend = backendOn({ ...env, REDIS_URL: redis.url });
  const app = await startApp(backend, [sort]);
  const script = await bundleForBrowser(`
    import Pusher from 'pusher-js';
    import { createTaskFeed } from './client/index.ts';
    globalThis.feed = createTaskFeed({ url: '/tasks', Pusher, headers: { 'x-user': 'ada' } });
  `);
  servePage(app.app, '/page', script, [helmet({ contentSecurityPolicy: contentPolicy(backend.pusher) })]);
  const browser = await launchChromium({ flags: ['--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'] });
  try {
    await test(app, browser);
  } finally {
    await browser.close();
    await app.close();
    await backend.close();
    await redis.stop();
  }
};

async function expectClusterOnly(app: TestApp): Promise<void> {
  const info = (await (await app.call('ada', '/tasks/connection')).json()) as Record<string, unknown>;
  expect(info).toEqual({
    key: 'key',
    cluster: PUSHER_CLUSTER,
    forceTLS: true,
    channel: 'private-user-ada',
    authEndpoint: '/tasks/auth',
    wsHost: null,
    wsPort: null,
    wssPort: null,
    httpHost: null,
    httpPort: null,
    httpsPort: null,
    httpPath: null,
  });
}

async function expectTransports(app: TestApp, browser: Browser): Promise<void> {
  const page = await browser.newPage();
  const tried: string[] = [];
  const broken: string[] = [];
  const note = (address: string) => {
    const { protocol, host, pathname } = new URL(address);
    const transport = /xhr\w*$/.exec(pathname)?.[0] ?? '';
    const entry = `${protocol}//${host} ${transport}`.trim();
    if (host !== new URL(app.url).host && !tried.includes(entry)) tried.push(entry);
    // Our own server gets requests for the page and for tasks only. Its HTTP fallback would be under /pusher.
    if (host === new URL(app.url).host && !/^\/(page|tasks|favicon)/.test(pathname)) broken.push(address);
  };
  page.on('websocket', (socket) => note(socket.url()));
  page.on('request', (request) => note(request.url()));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) broken.push(message.text());
  });
  await page.goto(`${app.url}/page`);
  await eventually(() => expect(tried).toHaveLength(3), { within: 30_000 });
  expect(tried).toEqual([
    `wss://ws-${PUSHER_CLUSTER}.pusher.com`,
    `https://sockjs-${PUSHER_CLUSTER}.pusher.com xhr_streaming`,
    `https://sockjs-${PUSHER_CLUSTER}.pusher.com xhr`,
  ]);
  const { id } = (await (await app.post('ada', '/tasks', { name: 'sort', input: {} })).json()) as { id: string };
  await eventually(
    () =>
      page.evaluate(
        (task) => (globalThis as unknown as { feed: { get(id: string): unknown } }).feed.get(task) !== undefined,
        id,
      ),
    { within: 15_000 },
  );
  expect(broken).toEqual([]);
}
