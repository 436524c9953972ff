// Updates over HTTP for browsers whose network refuses WebSockets: real pusher-js in Chromium behind a proxy that
// passes plain HTTP only, the fallback on an app's own server, and a real Soketi behind it.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Backend } from '../../../backend/backend.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { attachFallback, type Fallback } from '../../../server/fallback/attach.ts';
import type { FallbackOptions } from '../../../server/fallback/options.ts';
import { signPusherCall } from '../../../soketi/pusher-app.ts';
import { launchChromium } from '../../support/browser/chromium.ts';
import { type NoWebSocketProxy, startNoWebSocketProxy } from '../../support/browser/no-websocket-proxy.ts';
import { FallbackClient } from '../../support/bus/fallback-client.ts';
import { FRAMES_OF_BAD_UTF8, HOSTILE_FRAMES } from '../../support/bus/hostile-frames.ts';
import { startSoketi, type TestSoketi } from '../../support/bus/soketi.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn } from '../../support/parts.ts';

/** What the page records for the tests. */
interface PageState {
  readonly state: string;
  readonly socketId: string | null;
  readonly transport: string | null;
  readonly isSubscribed: boolean;
  readonly ticks: readonly number[];
  readonly states: readonly string[];
}

const PAGE = `<!doctype html><title>follow</title><script src="/pusher.js"></script><script>
  window.follow = (key, options) => {
    const pusher = new Pusher(key, options);
    const ticks = [];
    const states = [];
    pusher.connection.bind('state_change', ({ current }) => states.push(current));
    const channel = pusher.subscribe('room');
    channel.bind('tick', (data) => ticks.push(data.n));
    window.look = () => ({
      state: pusher.connection.state,
      socketId: pusher.connection.socket_id ?? null,
      transport: pusher.connection.connection?.transport?.name ?? null,
      isSubscribed: channel.subscribed,
      ticks,
      states,
    });
  };
</script>`;

let soketi: TestSoketi;
let backend: Backend;
let proxy: NoWebSocketProxy;
let browser: Browser;
const open: Array<{ close(): Promise<void> }> = [];

beforeAll(async () => {
  [soketi, proxy] = await Promise.all([startSoketi(), startNoWebSocketProxy()]);
  browser = await launchChromium({ flags: proxy.flags });
  const { appId, key, secret, host, port } = soketi.pusher;
  backend = backendOn({
    REDIS_URL: 'redis://127.0.0.1:1',
    PUSHER_APP_ID: appId,
    PUSHER_KEY: key,
    PUSHER_SECRET: secret,
    PUSHER_HOST: host,
    PUSHER_PORT: String(port),
  });
}, 60_000);

afterEach(async () => {
  proxy.flow();
  proxy.route = (url) => url;
  for (const part of open.splice(0).reverse()) await part.close();
});

afterAll(async () => {
  await browser.close();
  await backend.close();
  await Promise.all([proxy.close(), soketi.stop()]);
}, 30_000);

interface TestApp {
  readonly port: number;
  readonly fallback: Fallback;
}

async function startApp(options: Partial<FallbackOptions> = {}): Promise<TestApp> {
  const app = express();
  app.get('/', (_req, res) => void res.type('html').send(PAGE));
  app.use('/pusher.js', express.static(join(REPOSITORY, 'node_modules/pusher-js/dist/web/pusher.min.js')));
  const server: Server = createServer(app);
  const fallback = attachFallback(server, { backend, ...options });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    async close() {
      fallback.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return { port: (server.address() as AddressInfo).port, fallback };
}

/** Opens a page that follows the channel `room`, in a new browser profile. */
async function openPage(
  { port }: TestApp,
  options: Record<string, unknown> = {},
  { key = soketi.pusher.key, from = port } = {},
): Promise<{ page: Page; look: () => Promise<PageState>; live: () => Promise<PageState> }> {
  const context: BrowserContext = await browser.newContext();
  open.push(context);
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${from}/`);
  const all = {
    cluster: 'self-hosted',
    wsHost: '127.0.0.1',
    wsPort: soketi.pusher.port,
    wssPort: soketi.pusher.port,
    httpHost: '127.0.0.1',
    httpPort: port,
    httpsPort: port,
    httpPath: '/pusher',
    forceTLS: false,
    enableStats: false,
    enabledTransports: ['ws', 'wss', 'xhr_streaming', 'xhr_polling'],
    ...options,
  };
  await page.evaluate(
    ([key, options]) => (window as never as { follow(...of: unknown[]): void }).follow(key, options),
    [key, all] as const,
  );
  const look = () => page.evaluate(() => (window as never as { look(): PageState }).look());
  const live = () =>
    eventually(
      async () => {
        const seen = await look();
        return seen.state === 'connected' && seen.isSubscribed && seen;
      },
      { within: 15_000, that: 'a live page' },
    );
  return { page, look, live };
}

/** Publishes ticks, ten a call. */
async function publish(numbers: readonly number[], fill = ''): Promise<void> {
  for (let from = 0; from < numbers.length; from += 10) {
    const batch = numbers
      .slice(from, from + 10)
      .map((n) => ({ name: 'tick', channel: 'room', data: JSON.stringify({ n, fill }) }));
    const body = JSON.stringify({ batch });
    const path = signPusherCall(soketi.pusher, 'POST', '/batch_events', body);
    const response = await fetch(`http://127.0.0.1:${soketi.pusher.port}${path}`, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json' },
    });
    expect(response.status).toBe(200);
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const ONLY = { streaming: { enabledTransports: ['xhr_streaming'] }, polling: { enabledTransports: ['xhr_polling'] } };
const KINDS = ['streaming', 'polling'] as const;

describe('pusher-js behind a proxy that refuses WebSockets', () => {
  it('is live within 10 s of a first visit', async () => {
    const began = Date.now();
    const { live } = await openPage(await startApp());
    const { transport } = await live();
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(transport).toBe('xhr_streaming');
    expect(proxy.refused.length).toBeGreaterThan(0);
  }, 30_000);

  it.each(KINDS)(
    'gets 400 of 400 updates in order over three rotations of a request (%s)',
    async (kind) => {
      const { look, live } = await openPage(await startApp(), ONLY[kind]);
      await live();
      const before = proxy.passed.length;
      await publish(upTo(400), 'é'.repeat(2_200));
      await eventually(async () => expect((await look()).ticks).toHaveLength(400), { within: 15_000 });
      expect((await look()).ticks).toEqual(upTo(400));
      expect((await look()).states).toEqual(['connected']);
      const receiving = kind === 'streaming' ? /xhr_streaming$/ : /xhr$/;
      expect(proxy.passed.slice(before).filter((path) => receiving.test(path)).length).toBeGreaterThanOrEqual(3);
    },
    40_000,
  );

  it.each(KINDS)(
    'stays connected while nothing happens (%s)',
    async (kind) => {
      const app = await startApp({ limits: { heartbeatMs: 500, pingMs: 500 } });
      // pusher-js pings after 1.5 s of silence and gives up 0.5 s later, so heartbeats must come earlier.
      const { look, live } = await openPage(app, { ...ONLY[kind], activityTimeout: 1_500, pongTimeout: 500 });
      const { socketId } = await live();
      const before = proxy.passed.length;
      const since = Date.now();
      await eventually(() => Date.now() - since > 5_000 && proxy.passed.length - before > 6, { within: 8_000 });
      expect(await look()).toMatchObject({ state: 'connected', socketId });
      await publish([1]);
      await eventually(async () => expect((await look()).ticks).toEqual([1]));
    },
    30_000,
  );

  it.each(KINDS)(
    'comes back by itself after it read too slowly (%s)',
    async (kind) => {
      const app = await startApp({ limits: { buffered: 50_000, graceMs: 1_000 } });
      const { look, live } = await openPage(app, ONLY[kind]);
      const { socketId } = await live();
      proxy.stall();
      // Publish until the session is ended. What the sockets buffer until then is not limited by the fallback.
      let n = 0;
      const isConnected = async () => (await channels()).room?.subscription_count === 1;
      while (await isConnected()) await publish([n++, n++, n++, n++, n++, n++, n++, n++, n++, n++], 'x'.repeat(9_000));
      proxy.flow();
      await eventually(async () => expect((await look()).socketId).not.toBe(socketId), { within: 15_000 });
      await live();
      await publish([1_000_000]);
      await eventually(async () => expect((await look()).ticks.at(-1)).toBe(1_000_000));
    },
    60_000,
  );

  it.each(KINDS)(
    'starts again at once when its requests reach another instance (%s)',
    async (kind) => {
      const [here, there] = [await startApp(), await startApp()];
      const { look, live } = await openPage(here, ONLY[kind]);
      const { socketId } = await live();
      proxy.route = (url) => {
        if (url.port === String(here.port)) url.port = String(there.port);
        return url;
      };
      const moved = Date.now();
      // A stream moves at its next rotation.
      if (kind === 'streaming') await publish(upTo(40), 'x'.repeat(9_000));
      else await publish([1]);
      await eventually(async () => expect((await look()).socketId).not.toBe(socketId), { within: 10_000 });
      await live();
      expect(Date.now() - moved).toBeLessThan(5_000);
      await publish([1_000]);
      await eventually(async () => expect((await look()).ticks.at(-1)).toBe(1_000));
      expect(there.fallback.sessions).toBeGreaterThan(0);
    },
    40_000,
  );

  it('with an unknown key is refused for good', async () => {
    const { look } = await openPage(await startApp(), ONLY.streaming, { key: 'another-key' });
    await eventually(async () => expect((await look()).state).toBe('disconnected'));
  }, 30_000);

  it('from another origin is accepted only if that origin is named', async () => {
    const [home, plain] = [await startApp(), await startApp()];
    const allowing = await startApp({ allowedOrigins: [`http://127.0.0.1:${home.port}`] });
    const refused = await openPage(plain, ONLY.streaming, { from: home.port });
    const welcome = await openPage(allowing, ONLY.streaming, { from: home.port });
    await welcome.live();
    await publish([5]);
    await eventually(async () => expect((await welcome.look()).ticks).toEqual([5]));
    expect(await refused.look()).toMatchObject({ state: 'connecting', socketId: null });
    expect(plain.fallback.sessions).toBe(0);
  }, 30_000);

  it.each(KINDS)(
    'comes back after Soketi was restarted (%s)',
    async (kind) => {
      const { look, live } = await openPage(await startApp(), ONLY[kind]);
      const { socketId } = await live();
      await soketi.restart();
      await eventually(async () => expect((await look()).socketId).not.toBe(socketId), { within: 10_000 });
      await eventually(async () => expect((await look()).isSubscribed).toBe(true));
      await publish([9]);
      await eventually(async () => expect((await look()).ticks).toEqual([9]));
    },
    60_000,
  );
});

describe('hostile frames over HTTP', () => {
  it('harm neither Soketi, nor the server, nor other clients', async () => {
    const app = await startApp();
    const origin = `http://127.0.0.1:${app.port}`;
    const bystander = new FallbackClient(origin, soketi.pusher.key);
    await bystander.receive();
    await bystander.subscribe('room');
    const hostile = new FallbackClient(origin, soketi.pusher.key);
    const stream = await hostile.receive();
    await hostile.message('pusher:connection_established');
    const { pid } = soketi;
    let n = 0;
    for (const [name, content] of [...HOSTILE_FRAMES, ...FRAMES_OF_BAD_UTF8]) {
      // As a frame in a list, and as the body itself.
      const text = content instanceof Uint8Array ? Buffer.from(content).toString('latin1') : content;
      const statuses = [
        await hostile.send(text),
        await hostile.sendBody(
          content instanceof Uint8Array || typeof content === 'string' ? content : JSON.stringify(content),
        ),
      ];
      for (const status of statuses) expect([name, [204, 400, 413].includes(status)]).toEqual([name, true]);
      await publish([++n]);
      await eventually(() => expect(JSON.stringify(bystander.messages.at(-1)?.data)).toContain(`\\"n\\":${n},`), {
        that: `events to flow after ${name}`,
      });
    }
    expect(soketi.pid).toBe(pid);
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect(stream.isOver).toBe(false);
    expect(app.fallback.sessions).toBe(2);
  }, 60_000);
});

async function channels(): Promise<Record<string, { subscription_count?: number } | undefined>> {
  const path = signPusherCall(soketi.pusher, 'GET', '/channels');
  const response = await fetch(`http://127.0.0.1:${soketi.pusher.port}${path}`);
  return ((await response.json()) as { channels: Record<string, { subscription_count?: number }> }).channels;
}
