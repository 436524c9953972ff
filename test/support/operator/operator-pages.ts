/** The operator's page in a real Chromium, in front of made-up data. For tests of the page. */

import { join } from 'node:path';
import axe from 'axe-core';
import express, { type Express, type Response, type Router } from 'express';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createPageRouter } from '../../../operator/serve-page.ts';
import { BrowserFaults } from '../browser/browser-faults.ts';
import { launchChromium } from '../browser/chromium.ts';
import { type HttpServer, startHttpServer } from '../http-server.ts';
import { createFakeOperator, type FakeOperatorOptions } from './fake-operator.ts';

export interface PageOptions extends BrowserContextOptions {
  /** The path of a mounted operator, or the URL of a page on another server. Default `operator`. */
  readonly mount?: string;
}

/** A fake operator, and what is done to its answers. */
export interface MountOptions extends FakeOperatorOptions {
  /** Changes an answer, as the reviver of `JSON.parse` does. */
  readonly alter?: (key: string, value: unknown) => unknown;
}

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** One browser and one server for a file. `open` opens one page at a time. */
export class OperatorPages {
  page!: Page;
  faults = new BrowserFaults();
  /** The live streams that are open. */
  readonly streams = new Set<Response>();
  /** While it is true, every request is answered with 503, live streams too. */
  isDown = false;
  /**
   * How every call of the API is refused: with 404, with a redirect to a page to sign in, or with that page itself. Null: none is
   * refused.
   */
  refusal: 404 | 'redirect' | 'sign-in' | null = null;
  /** The calls of the API so far, as `GET tasks?limit=50`. */
  calls: string[] = [];
  #browser!: Browser;
  #server!: HttpServer;

  /** @param mounts by path: the fake operators, each with its page */
  async start(mounts: Readonly<Record<string, MountOptions>>): Promise<void> {
    const app = express();
    // One for all: bundling the page takes half a second.
    const page = createPageRouter();
    for (const [path, options] of Object.entries(mounts)) this.#mount(app, `/${path}`, page, options);
    this.#server = await startHttpServer(app);
    this.#browser = await launchChromium();
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
    await this.#server?.close();
  }

  /** Opens a page. Resolves when it is live and shows what it is about. */
  async open(query = '', { mount = 'operator', ...options }: PageOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({
      viewport: { width: 1280, height: 900 },
      locale: 'en-GB',
      timezoneId: 'UTC',
      ...options,
    });
    context.setDefaultTimeout(15_000);
    this.faults = new BrowserFaults();
    await this.faults.watch(context);
    this.page = await context.newPage();
    // As an init script, because the page's Content-Security-Policy would refuse it later.
    await this.page.addInitScript({ content: axe.source });
    await this.goto(query, mount);
    return this.page;
  }

  /** Goes to another address, as a link that was shared does. */
  async goto(query: string, mount = 'operator'): Promise<void> {
    const base = mount.startsWith('http') ? mount : `${this.#server.url}/${mount}`;
    await this.page.goto(`${base}/${query}`);
    await this.settle();
  }

  /** Waits until the view is there and the stream is up. */
  async settle(): Promise<void> {
    await this.page.locator('#link[data-state=live]').waitFor();
    await this.page.locator('#main:not([aria-busy])').waitFor();
  }

  /** Closes the page. Returns what went wrong in it. */
  async close(): Promise<readonly string[]> {
    await this.page?.context().close();
    this.isDown = false;
    this.refusal = null;
    this.calls = [];
    return this.faults.found;
  }

  /** An act of another operator. */
  async act(body: object, mount = 'operator'): Promise<void> {
    await fetch(`${this.#server.url}/${mount}/api/acts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  /** Cuts every live stream, as a proxy does that is restarted. */
  cutStreams(): void {
    for (const stream of this.streams) stream.destroy();
  }

  /** What breaks WCAG: the rules, each with its elements. @param rules only these, where others cannot have changed */
  async findBreaches(rules?: readonly string[]): Promise<unknown[]> {
    const runOnly = rules ? { type: 'rule' as const, values: [...rules] } : { type: 'tag' as const, values: WCAG };
    const { violations } = await this.page.evaluate(
      (only) => (globalThis as never as { axe: typeof axe }).axe.run(document, { runOnly: only }),
      runOnly,
    );
    return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
  }

  /** Keeps a picture in the folder `INLOOP_PICTURES`, to look at; without that variable it does nothing. */
  async takePicture(name: string): Promise<void> {
    const folder = process.env.INLOOP_PICTURES;
    if (folder) await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  #mount(app: Express, path: string, page: Router, { alter, ...options }: MountOptions): void {
    app.use(
      path,
      (req, res, next) => {
        if (req.path.startsWith('/api/')) this.calls.push(`${req.method} ${req.url.slice('/api/'.length)}`);
        if (this.isDown) {
          res.status(503).end();
          return;
        }
        if (this.refusal !== null && req.path.startsWith('/api/')) {
          if (this.refusal === 404) res.status(404).json({ code: 'not_found', detail: 'There is nothing here.' });
          else if (this.refusal === 'redirect') res.redirect('/sign-in');
          else res.type('html').send('<h1>Sign in</h1>');
          return;
        }
        if (req.path === '/api/live') {
          this.streams.add(res);
          res.once('close', () => this.streams.delete(res));
        }
        const send = res.json.bind(res);
        if (alter) res.json = (body) => send(JSON.parse(JSON.stringify(body), alter));
        next();
      },
      page,
      createFakeOperator(options),
    );
  }
}
