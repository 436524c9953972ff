// Behind an adopter's own proxy: TLS ends there, a path prefix is stripped, answers are compressed, and the page has a
// strict Content-Security-Policy. With WebSockets let through, and with none. Real Redis, Soketi, worker and Chromium.
import { createServer, request, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import compression from 'compression';
import express from 'express';
import type { Browser, Page } from 'playwright-core';
import { generate } from 'selfsigned';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import type { InloopTray } from '../../../client/element/index.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import { attachFallback, type Fallback } from '../../../server/fallback/attach.ts';
import { createTaskServer, type TaskServer } from '../../../server/task-server.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { bundleForBrowser } from '../../support/browser/browser-bundle.ts';
import { launchChromium } from '../../support/browser/chromium.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, startBus, type TestBus } from '../../support/parts.ts';

const PREFIX = '/crm';
const steps = defineTask({ name: 'steps', input: z.object({ steps: z.number() }) });

let bus: TestBus;
let backend: Backend;
let tasks: TaskServer;
let app: Server;
let proxy: Server;
let fallback: Fallback;
let browser: Browser;
let origin: string;
let letsWebSocketsThrough = true;
const shutdown = new AbortController();
let working: Promise<void>;

beforeAll(async () => {
  bus = await startBus();
  // The proxy learns the port of the app, and the app the address of the proxy, once both listen.
  const target = { port: 0 };
  proxy = await startTlsProxy(target);
  const { port } = proxy.address() as AddressInfo;
  origin = `https://127.0.0.1:${port}`;
  backend = backendOn({
    ...bus.env,
    PUSHER_PUBLIC_HOST: '127.0.0.1',
    PUSHER_PUBLIC_PORT: String(port),
    PUSHER_PUBLIC_TLS: 'true',
  });
  const web = express();
  web.set('trust proxy', 'loopback');
  web.use(compression({ threshold: 0, filter: () => true }));
  tasks = createTaskServer({ backend, tasks: [steps], identify: () => 'ada', path: `${PREFIX}/tasks` });
  web.use('/tasks', tasks.router);
  const script = await bundleForBrowser(
    // The class is named, because an import for its side effect would be left out of the bundle (`sideEffects` in package.json).
    "import { InloopTray } from './client/element/index.ts'; Object.assign(globalThis, { InloopTray });",
  );
  web.get('/page.js', (_req, res) => void res.type('js').send(script));
  web.get('/', (req, res) => {
    const policy = `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' wss://${req.host}; base-uri 'none'`;
    res.set('Content-Security-Policy', policy).type('html');
    res.send(
      `<!doctype html><title>Page</title><script src="${PREFIX}/page.js" defer></script><inloop-tray url="${PREFIX}/tasks"></inloop-tray>`,
    );
  });
  app = createServer(web);
  fallback = attachFallback(app, { backend, publicUrl: `${PREFIX}/pusher`, trustProxy: 'loopback' });
  target.port = await listen(app);
  const worker = createTaskWorker({ backend, drain: '100ms', grace: '500ms' });
  worker.handle(steps, async (input, task) => {
    for (let done = 1; done <= input.steps; done++) {
      await wait(50, undefined, { signal: task.signal });
      task.progress({ done, total: input.steps });
    }
  });
  working = worker.run({ signal: shutdown.signal });
  browser = await launchChromium();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  shutdown.abort();
  await working;
  fallback.close();
  for (const server of [app, proxy]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await backend.close();
  await bus.stop();
}, 30_000);

describe.each([
  ['with WebSockets', true, '/app/'],
  ['without WebSockets', false, '/xhr_streaming'],
])('behind a proxy %s', (_, isLetThrough, wanted) => {
  it('the tray is live, and follows a task step by step', async () => {
    letsWebSocketsThrough = isLetThrough;
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const blocked: string[] = [];
    const used: string[] = [];
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) blocked.push(message.text());
    });
    page.on('websocket', (socket) => void used.push(socket.url()));
    page.on('request', (sent) => void used.push(sent.url()));
    await page.goto(`${origin}${PREFIX}/`);
    await eventually(async () => expect(await readFeed(page, 'connection')).toBe('live'), { within: 20_000 });
    // With so few elements (`FEW_ELEMENTS` in due-steps.ts), each step is pushed. With more, the page would move the bar by itself,
    // and a push would come only if the bar was off.
    const { id } = await tasks.start(steps, { steps: 20 }, { owner: 'ada' });
    const seen = new Set<string>();
    await eventually(
      async () => {
        const shown = await readFeed(page, id);
        seen.add(shown);
        return shown === 'succeeded';
      },
      { within: 15_000 },
    );
    // Polling would show a step every 2.5 s, and a buffered stream would show all steps at once.
    expect(seen.size).toBeGreaterThan(6);
    expect(used.some((url) => url.includes(wanted) && url.includes(origin.slice('https:'.length)))).toBe(true);
    // The page sent nothing to another host.
    expect(used.filter((url) => !/^(?:https|wss):\/\/127\.0\.0\.1:/.test(url))).toEqual([]);
    expect(blocked).toEqual([]);
    await context.close();
  }, 60_000);
});

it('the answers name the address that the browser used', async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const { port } = proxy.address() as AddressInfo;
  const connection = await context.request.get(`${origin}${PREFIX}/tasks/connection`);
  expect(await connection.json()).toMatchObject({
    forceTLS: true,
    wsHost: '127.0.0.1',
    wssPort: port,
    httpHost: '127.0.0.1',
    httpsPort: port,
    httpPath: `${PREFIX}/pusher`,
    authEndpoint: `${PREFIX}/tasks/auth`,
  });
  await context.close();
});

/** Reads the tray's feed: the status of its connection, or the progress of the task with that id. */
function readFeed(page: Page, what: string): Promise<string> {
  return page.evaluate((wanted) => {
    const feed = (document.querySelector('inloop-tray') as InloopTray | null)?.feed;
    if (wanted === 'connection') return feed?.getSnapshot().connection.status ?? '';
    const task = feed?.get(wanted);
    return task?.status === 'running' ? `${task.progress?.done}` : (task?.status ?? '');
  }, what);
}

/** A proxy that ends TLS, strips the prefix, adds `X-Forwarded-*`, and passes WebSockets on to Soketi or refuses them. */
async function startTlsProxy(target: { readonly port: number }): Promise<Server> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], { keySize: 2_048 });
  const server = createSecureServer({ key, cert }, (req, res) => {
    const path = req.url?.startsWith(`${PREFIX}/`) ? req.url.slice(PREFIX.length) : null;
    if (path === null) return void res.writeHead(404).end();
    const { host = '' } = req.headers;
    const headers = {
      ...req.headers,
      host: 'app.internal',
      'x-forwarded-host': host,
      'x-forwarded-proto': 'https',
      'x-forwarded-for': req.socket.remoteAddress ?? '',
    };
    const onward = request({ host: '127.0.0.1', port: target.port, path, method: req.method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    onward.on('error', () => res.destroy());
    res.on('close', () => onward.destroy());
    req.pipe(onward);
  });
  server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => undefined);
    if (!letsWebSocketsThrough) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const soketi = connect(bus.soketi.pusher.port, '127.0.0.1', () => {
      const lines = Object.entries(req.headers).map(([name, value]) => `${name}: ${String(value)}`);
      soketi.write(`GET ${req.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      soketi.write(head);
      soketi.pipe(socket).pipe(soketi);
    });
    soketi.on('error', () => socket.destroy());
    socket.on('close', () => soketi.destroy());
  });
  await listen(server as unknown as Server);
  return server as unknown as Server;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
