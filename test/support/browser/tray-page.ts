// Pages with a tray in a real Chromium, under a strict Content-Security-Policy, with a fake server. For tests of the tray.
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { FakeServer } from '../../../client/test-support/fake-server.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../eventually.ts';
import { type HttpServer, startHttpServer } from '../http-server.ts';
import { launchChromium } from './chromium.ts';

/** As strict as a page may be. It names the bus, as the page of an adopter does; nothing listens there. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws://127.0.0.1:6001; base-uri 'none'";

export interface OpenOptions {
  /**
   * The page's query, such as `scheme=dark&dir=rtl`. `text=200%`: the size of text. `start`: the tray is at the start of its line.
   * `tray=title-progress`: attributes of the tray.
   */
  readonly query?: string;
  readonly width?: number;
  readonly height?: number;
  readonly context?: BrowserContextOptions;
  /** Called before any script of the page runs. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** A browser and a server for its pages. `open` opens one page at a time; a test may open more tabs in `context`. */
export class TrayPages {
  server = new FakeServer();
  /** Breaches of the CSP and uncaught errors so far. */
  violations: string[] = [];
  context!: BrowserContext;
  page!: Page;
  url = '';
  #browser!: Browser;
  #script = '';
  #http!: HttpServer;
  readonly #more: TrayPages[] = [];

  /** @param extra TypeScript that the page runs beside the tray */
  async start(extra = ''): Promise<void> {
    const bundle = await build({
      stdin: {
        contents: `export { InloopTray } from '../../../client/element/index.ts'; ${extra}`,
        resolveDir: __dirname,
        loader: 'ts',
      },
      bundle: true,
      format: 'esm',
      write: false,
      target: 'es2022',
      logLevel: 'error',
      alias: { 'pusher-js': join(__dirname, '../../../client/test-support/page-pusher.ts') },
    });
    this.#script = bundle.outputFiles[0]?.text ?? '';
    this.#browser = await launchChromium();
    await this.#listen();
  }

  /** More pages in the same browser, with a server of their own: for a test at the same time. `stop` ends these, too. */
  async startMore(): Promise<TrayPages> {
    const more = new TrayPages();
    more.#script = this.#script;
    more.#browser = this.#browser;
    await more.#listen();
    this.#more.push(more);
    return more;
  }

  async #listen(): Promise<void> {
    this.#http = await startHttpServer(async (req, res) => {
      const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost');
      if (pathname === '/tray.js') return res.setHeader('content-type', 'text/javascript').end(this.#script);
      if (pathname === '/page.css') return res.setHeader('content-type', 'text/css').end(pageCss(searchParams));
      if (!pathname.startsWith('/tasks')) {
        const images = searchParams.get('tray')?.includes('favicon') ? '; img-src data:' : '';
        res.setHeader('content-security-policy', CSP + images);
        return res.setHeader('content-type', 'text/html; charset=utf-8').end(pageHtml(searchParams));
      }
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const isForm = req.headers['content-type']?.startsWith('application/x-www-form');
      const text = Buffer.concat(chunks).toString();
      const body = req.method === 'GET' ? null : isForm ? new URLSearchParams(text) : text;
      try {
        const headers = req.headers as Record<string, string>;
        const method = req.method ?? 'GET';
        const answer = await this.server.fetch(`http://localhost${req.url}`, { method, headers, body });
        res.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
      } catch {
        req.socket.destroy();
      }
    });
    this.url = this.#http.url;
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
    for (const more of this.#more) await more.stop();
    await this.#http?.close();
  }

  /**
   * Opens a page that shows `tasks`. Resolves when it is connected and has fetched what it fetches at its start, so that later
   * requests are due to what the test does.
   */
  async open(tasks: readonly Snapshot[], options: OpenOptions = {}): Promise<Locator> {
    this.server.put(...tasks);
    const { width = 900, height = 760 } = options;
    this.context = await this.#browser.newContext({ viewport: { width, height }, ...options.context });
    // Playwright's default of 30 s is as long as most tests may take. A test would then end without saying what it waited for.
    this.context.setDefaultTimeout(15_000);
    this.page = await this.openTab(options);
    await this.page.waitForFunction(() => {
      const { FakePusher } = globalThis as unknown as { FakePusher?: { made: { connection: { state: string } }[] } };
      return FakePusher?.made[0]?.connection.state === 'connected';
    });
    await eventually(() => hasAskedSincePushIsUp(this.server), { within: 15_000, that: 'the round after push is up' });
    return this.page.locator('inloop-tray');
  }

  /** One more page in the same context. The first one holds the push connection for both. */
  async openTab({ query = '', prepare }: OpenOptions = {}): Promise<Page> {
    const page = await this.context.newPage();
    page.on('console', (message) => {
      if (/Content Security Policy|Uncaught/.test(message.text())) this.violations.push(message.text());
    });
    page.on('pageerror', (error) => this.violations.push(String(error)));
    await prepare?.(page);
    await page.goto(`${this.url}/?${query}`);
    return page;
  }

  /** Stops the page's clock. Only `page.clock.runFor` moves it then. Returns how far it is ahead of the test's clock, in seconds. */
  async stopClock(): Promise<number> {
    // Playwright stops a clock only at a time that is still to come. It jumps there at once.
    const at = Date.now() + 20_000;
    await this.page.clock.pauseAt(at);
    return (at - Date.now()) / 1_000;
  }

  /** Closes the page. Returns its violations. */
  async close(): Promise<readonly string[]> {
    await this.context.close();
    this.server = new FakeServer();
    return this.violations.splice(0);
  }

  /** Pushes `snapshots` to the page, all at once. */
  async push(...snapshots: readonly Snapshot[]): Promise<void> {
    this.server.put(...snapshots);
    await this.#emit(snapshots.map((snapshot) => [`task.${snapshot.status}`, snapshot]));
  }

  /** Pushes any event. */
  async pushEvent(name: string, data: object): Promise<void> {
    await this.#emit([[name, data]]);
  }

  async #emit(events: [string, object][]): Promise<void> {
    await this.page.evaluate((all) => {
      const { FakePusher } = globalThis as never as { FakePusher: { last: { push(n: string, d: unknown): void } } };
      for (const [name, data] of all) FakePusher.last.push(name, data);
    }, events);
  }

  /** Calls a method of the page's fake Pusher: `drop`, `refuse`. */
  async callPusher(method: string): Promise<void> {
    await this.page.evaluate(
      (name) => (globalThis as never as { FakePusher: { last: Record<string, () => void> } }).FakePusher.last[name]?.(),
      method,
    );
  }
}

/** Whether the page has fetched what it may have missed, which it does once its channel is authorized. */
function hasAskedSincePushIsUp({ calls }: FakeServer): boolean {
  const authorized = calls.findIndex(({ path }) => path === '/auth');
  return (
    authorized >= 0 && calls.slice(authorized).some(({ method, path }) => method === 'GET' && path.startsWith('?'))
  );
}

function pageCss(query: URLSearchParams): string {
  return `:root { color-scheme: ${query.get('scheme') ?? 'light'}; font-size: ${query.get('text') ?? '100%'} }
    body { margin: 0; font: 1rem system-ui; background: Canvas; color: CanvasText }
    header { display: flex; justify-content: ${query.has('start') ? 'start' : 'end'}; padding: 12px 16px }`;
}

function pageHtml(query: URLSearchParams): string {
  return `<!doctype html><html lang="en" dir="${query.get('dir') ?? 'ltr'}"><title>Page</title>
    <meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/page.css?${query}">
    <script type="module" src="/tray.js"></script>
    <header><inloop-tray url="/tasks" ${query.get('tray') ?? ''}></inloop-tray></header>
    <main><h1>Page</h1><button id="outside">Outside</button>
    <dialog aria-label="Settings"><form method="dialog"><button id="inside">Fine</button></form></dialog></main>`;
}
