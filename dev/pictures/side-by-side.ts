// The animation of two ways to show the same import. On the left each row sends a message; on the right is inloop. Both run at the
// same time, on one Soketi. The counters show how many messages have arrived on the page's WebSockets.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { CommandError } from '../../cli/command-error.ts';
import { type PusherApp, signPusherCall } from '../../soketi/pusher-app.ts';
import { REPOSITORY } from '../paths.ts';
import { Film } from './film.ts';
import type { Frame } from './picture-files.ts';

const ROWS = 1_000;
/** The time from one frame of the recording to the next. */
const FRAME_MS = 400;
/** How long either import may take. 1,000 rows of 60 ms take a minute. */
const LIMIT_MS = 150_000;
/** The channel of the left side. inloop's messages, on the right side, come on the channel of its user. */
const CHANNEL = 'private-user-per-element';

export interface SideBySideOptions {
  readonly browser: Browser;
  /** The demo's address. */
  readonly demo: string;
  readonly soketi: { readonly port: number; readonly app: PusherApp };
  /** How long each row takes, in milliseconds: the demo's `IMPORT_ROW_DELAY_MS`. */
  readonly rowMs: number;
}

/** Records both imports. @returns the frames of an animation, and how many messages arrived on the left and on the right */
export async function compareMessages(
  options: SideBySideOptions,
): Promise<{ readonly frames: readonly Frame[]; readonly left: number; readonly right: number }> {
  const { browser, demo } = options;
  const context = await browser.newContext({ viewport: { width: 1_000, height: 308 }, deviceScaleFactor: 1.5 });
  await context.request.post(`${demo}/session`, { data: { user: 'Ada' } });
  const cookie = (await context.cookies(demo)).map(({ name, value }) => `${name}=${value}`).join('; ');
  const server = await serve(options, cookie);
  try {
    const page = await context.newPage();
    const counts = { left: 0, right: 0 };
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        const { event, channel } = JSON.parse(String(payload)) as { event: string; channel?: string };
        if (event.startsWith('pusher')) return;
        counts[channel === CHANNEL ? 'left' : 'right']++;
      }),
    );
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.locator('inloop-tray').evaluate((tray) => (tray as unknown as { show(): void }).show());
    // Time for both connections to come up, and for the server to learn of the open page.
    await delay(3_000);
    const film = new Film(page, FRAME_MS, () =>
      page.evaluate(({ left, right }) => {
        const show = (id: string, count: number) => {
          (
            globalThis as never as { document: { getElementById(id: string): { textContent: string } } }
          ).document.getElementById(id).textContent = count.toLocaleString('en');
        };
        show('left', left);
        show('right', right);
      }, counts),
    );
    const csv = readSample(ROWS);
    const file = { name: 'contacts.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) };
    const upload = await context.request.post(`${demo}/imports`, { multipart: { pace: 'slow', file } });
    if (upload.status() !== 202) throw new CommandError(`The demo answered the upload with ${upload.status()}.`);
    const perElement = importByMessages(csv, options);
    const row = page.locator('inloop-tray [part=task]').filter({ hasText: /imported/ });
    await film.until(row, LIMIT_MS);
    await film.until(page.locator('#text', { hasText: 'imported' }), LIMIT_MS);
    await perElement;
    await film.pause(1_500);
    return { frames: film.frames, ...counts };
  } finally {
    await context.close();
    server.closeAllConnections();
    server.close();
  }
}

/** The header and the first rows of a sample of the demo, as CSV. */
function readSample(rows: number): string {
  const lines = readFileSync(join(REPOSITORY, 'demo', 'samples', 'contacts-10000.csv'), 'utf8').split('\n');
  return `${lines.slice(0, rows + 1).join('\n')}\n`;
}

/** The left side, as most people write it: sends one message for each row of the file. */
async function importByMessages(csv: string, { soketi: { app, port }, rowMs }: SideBySideOptions): Promise<void> {
  const rows = csv.trim().split('\n').slice(1);
  const startedAt = performance.now();
  for (const [index] of rows.entries()) {
    await delay(startedAt + (index + 1) * rowMs - performance.now());
    const data = JSON.stringify({ done: index + 1, total: rows.length });
    const body = JSON.stringify({ name: 'row', channel: CHANNEL, data });
    const path = signPusherCall(app, 'POST', '/events', body);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    if (!response.ok) throw new CommandError(`Soketi answered an event with ${response.status}.`);
  }
}

/** Serves the page, its script, and the authorization of the left side. Requests below `/tasks` are passed on to the demo. */
async function serve({ demo, soketi: { app, port } }: SideBySideOptions, cookie: string): Promise<Server> {
  const { outputFiles } = await build({
    stdin: {
      contents: "import 'inloop/element'; import Pusher from 'pusher-js'; globalThis.Pusher = Pusher;",
      resolveDir: REPOSITORY,
    },
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
  });
  const connection = {
    key: app.key,
    // pusher-js demands a cluster. With `wsHost` it does not use it.
    cluster: 'mt1',
    wsHost: '127.0.0.1',
    wsPort: port,
    forceTLS: false,
    enabledTransports: ['ws'],
    channelAuthorization: { endpoint: '/auth', transport: 'ajax' },
    channel: CHANNEL,
  };
  const html = readFileSync(join(REPOSITORY, 'dev', 'pictures', 'side-by-side.html'), 'utf8').replace(
    'CONNECTION',
    JSON.stringify(connection),
  );
  const server = createServer((req, res) => {
    if (req.url?.startsWith('/tasks')) passOn(req, res, demo, cookie);
    else if (req.url === '/page.js') res.setHeader('content-type', 'text/javascript').end(outputFiles[0]?.text);
    else if (req.url === '/auth') void authorize(req, res, app);
    else res.setHeader('content-type', 'text/html').end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Answers with the signature of a subscription to the channel of the left side. */
async function authorize(req: IncomingMessage, res: ServerResponse, app: PusherApp): Promise<void> {
  let body = '';
  for await (const chunk of req) body += chunk;
  const signed = `${new URLSearchParams(body).get('socket_id')}:${CHANNEL}`;
  const auth = `${app.key}:${createHmac('sha256', app.secret).update(signed).digest('hex')}`;
  res.setHeader('content-type', 'application/json').end(JSON.stringify({ auth }));
}

/** Passes a request on to the demo, with the cookie of the user. */
function passOn(req: IncomingMessage, res: ServerResponse, demo: string, cookie: string): void {
  // Without these headers of a browser: they say that the page is from another origin, and the demo would refuse the request.
  const { host: _host, origin: _origin, 'sec-fetch-site': _site, ...headers } = req.headers;
  const call = request(
    new URL(req.url ?? '/', demo),
    { method: req.method, headers: { ...headers, cookie } },
    (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    },
  );
  call.on('error', () => res.destroy());
  req.pipe(call);
}
