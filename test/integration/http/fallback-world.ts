// What a test of the HTTP fallback has: apps with the fallback, a real Soketi behind them, and a Chromium behind a proxy that
// passes plain HTTP only.
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import express from 'express';
import type { Browser, Page } from 'playwright-core';
import type { Backend } from '../../../backend/backend.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { attachFallback, type Fallback } from '../../../server/fallback/attach.ts';
import type { FallbackOptions } from '../../../server/fallback/options.ts';
import { pusherEnvOf, signPusherCall } from '../../../soketi/pusher-app.ts';
import { launchChromium } from '../../support/browser/chromium.ts';
import { type NoWebSocketProxy, startNoWebSocketProxy } from '../../support/browser/no-websocket-proxy.ts';
import { startSoketi, type TestSoketi } from '../../support/bus/soketi/soketi.ts';
import { eventually } from '../../support/eventually.ts';
import { startHttpServer } from '../../support/http-server.ts';
import { backendOn } from '../../support/parts.ts';
import { Pool } from '../../support/pool.ts';

/** What a page tells the tests. */
interface PageState {
  readonly state: string;
  readonly socketId: string | null;
  readonly transport: string | null;
  readonly isSubscribed: boolean;
  /** The numbers of the events `tick` that it got, in order. */
  readonly ticks: readonly number[];
  /** The states of the connection of pusher-js so far, the oldest first. */
  readonly states: readonly string[];
}

/** An app with the fallback at `/pusher`. */
interface FallbackApp {
  readonly port: number;
  readonly fallback: Fallback;
}

/** What a test has. Everything that it starts and opens is closed after the test. */
export interface FallbackWorld {
  readonly soketi: TestSoketi;
  readonly proxy: NoWebSocketProxy;
  startApp(options?: Partial<FallbackOptions>): Promise<FallbackApp>;
  /**
   * Opens a page that subscribes to the channel `room`, in a new browser profile.
   *
   * @param options for pusher-js
   * @param where the key of another application, and the port of another app whose page it is
   */
  openPage(
    app: FallbackApp,
    options?: Readonly<Record<string, unknown>>,
    where?: { readonly key?: string; readonly from?: number },
  ): Promise<SubscribedPage>;
  /** Publishes an event `tick` for each number in the channel `room`. `fill` makes the events larger. */
  publish(numbers: readonly number[], fill?: string): Promise<void>;
  /** How many connections are in the channel `room`, as Soketi counts. */
  countSubscribers(): Promise<number>;
}

/** A page that has asked for the channel `room`. */
interface SubscribedPage {
  look(): Promise<PageState>;
  /** Waits until it is connected and in the channel. Returns its state then. */
  live(): Promise<PageState>;
}

/** At most so many events fit into one call of Pusher's API. */
const EVENTS_PER_CALL = 10;

const PAGE = `<!doctype html><title>subscribe</title><script src="/pusher.js"></script><script>
  window.subscribe = (key, options) => {
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

/** What tests use one after another. */
interface Parts {
  readonly soketi: TestSoketi;
  readonly proxy: NoWebSocketProxy;
  readonly browser: Browser;
  readonly backend: Backend;
}

async function startParts(): Promise<Parts> {
  const [soketi, proxy] = await Promise.all([startSoketi(), startNoWebSocketProxy()]);
  const browser = await launchChromium({ flags: proxy.flags });
  const env = { REDIS_URL: 'redis://127.0.0.1:1', ...pusherEnvOf(soketi.pusher, soketi.pusher.port) };
  return { soketi, proxy, browser, backend: backendOn(env) };
}

/**
 * Starts parts before the tests of the calling file, and ends them afterwards. Returns a function that makes the body of a test.
 * The test gets a world on parts that no other test uses meanwhile, followed by the arguments that `it.each` gives. It waits while
 * all parts are in use.
 *
 * @param count how many tests can run at the same time
 */
export function useFallback(count: number) {
  const free = new Pool<Parts>();
  const all: Parts[] = [];
  beforeAll(async () => {
    all.push(...(await Promise.all(Array.from({ length: count }, startParts))));
    for (const parts of all) free.add(parts);
  }, 60_000);
  afterAll(async () => {
    for (const { browser, backend, proxy, soketi } of all) {
      await browser.close();
      await backend.close();
      await Promise.all([proxy.close(), soketi.stop()]);
    }
  }, 30_000);

  return <Args extends unknown[]>(test: (world: FallbackWorld, ...args: Args) => Promise<void>) =>
    (...args: Args) =>
      free.use(async (parts) => {
        const open: { close(): Promise<void> }[] = [];
        try {
          await test(worldOn(parts, open), ...args);
        } finally {
          parts.proxy.resume();
          parts.proxy.route = (url) => url;
          for (const part of open.reverse()) await part.close();
        }
      });
}

/** The world of a test on `parts`. What it starts and opens is added to `open`. */
function worldOn(parts: Parts, open: { close(): Promise<void> }[]): FallbackWorld {
  const { soketi, proxy, backend } = parts;
  return {
    soketi,
    proxy,
    async startApp(options = {}) {
      const app = express();
      app.get('/', (_req, res) => void res.type('html').send(PAGE));
      app.use('/pusher.js', express.static(join(REPOSITORY, 'node_modules/pusher-js/dist/web/pusher.min.js')));
      const server = createServer(app);
      const fallback = attachFallback(server, { backend, ...options });
      const { port, close } = await startHttpServer(server);
      open.push({
        async close() {
          fallback.close();
          await close();
        },
      });
      return { port, fallback };
    },
    async openPage({ port }, options = {}, { key = soketi.pusher.key, from = port } = {}) {
      const context = await parts.browser.newContext();
      open.push(context);
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${from}/`);
      return subscribe(page, key, { ...optionsFor(soketi.pusher.port, port), ...options });
    },
    publish: (numbers, fill = '') => publishTicks(soketi, numbers, fill),
    async countSubscribers() {
      const response = await fetch(urlOf(soketi) + signPusherCall(soketi.pusher, 'GET', '/channels'));
      const { channels } = (await response.json()) as { channels: Record<string, { subscription_count?: number }> };
      return channels.room?.subscription_count ?? 0;
    },
  };
}

const urlOf = ({ pusher }: TestSoketi) => `http://127.0.0.1:${pusher.port}`;

/** Options of pusher-js for a Soketi and an app with the fallback, by their ports. */
function optionsFor(soketi: number, app: number) {
  return {
    cluster: 'self-hosted',
    wsHost: '127.0.0.1',
    wsPort: soketi,
    wssPort: soketi,
    httpHost: '127.0.0.1',
    httpPort: app,
    httpsPort: app,
    httpPath: '/pusher',
    forceTLS: false,
    enableStats: false,
    enabledTransports: ['ws', 'wss', 'xhr_streaming', 'xhr_polling'],
  };
}

/** Lets a page with the script of {@link PAGE} subscribe to the channel `room`. */
async function subscribe(page: Page, key: string, options: object): Promise<SubscribedPage> {
  await page.evaluate(
    ([name, given]) => (window as never as { subscribe(...of: unknown[]): void }).subscribe(name, given),
    [key, options] as const,
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
  return { look, live };
}

async function publishTicks(soketi: TestSoketi, numbers: readonly number[], fill: string): Promise<void> {
  for (let from = 0; from < numbers.length; from += EVENTS_PER_CALL) {
    const batch = numbers
      .slice(from, from + EVENTS_PER_CALL)
      .map((n) => ({ name: 'tick', channel: 'room', data: JSON.stringify({ n, fill }) }));
    const body = JSON.stringify({ batch });
    const response = await fetch(urlOf(soketi) + signPusherCall(soketi.pusher, 'POST', '/batch_events', body), {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json' },
    });
    expect(response.status).toBe(200);
  }
}
