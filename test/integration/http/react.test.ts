// The hooks as a page uses them: React 18 and 19 in Chromium and on a server, against real Redis, Soketi and Express. Each test
// has a user and a browser profile of its own, and three run at the same time.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { bundleForBrowser, pageHtml, servePage } from '../../support/browser/browser-bundle.ts';
import { BrowserFaults } from '../../support/browser/browser-faults.ts';
import { launchChromium } from '../../support/browser/chromium.ts';
import type { controls as Controls, observed as Observed } from '../../support/browser/react-page.ts';
import { eventually } from '../../support/eventually.ts';
import { type CountingApp, startCountingApp } from '../../support/processes/counting-app.ts';

declare const controls: typeof Controls;

const PAGE = join(__dirname, '../../support/browser/react-page.ts');
const VERSIONS = [18, 19] as const;
type Version = (typeof VERSIONS)[number];
/** What is bundled in place of the packages. */
const ALIASES: Readonly<Record<Version, Record<string, string>>> = {
  18: { react: 'react-18', 'react-dom': 'react-dom-18' },
  19: {},
};
const pathOf = (version: Version) => `/react-${version}`;

let app: CountingApp;
let browser: Browser;
let users = 0;

beforeAll(async () => {
  app = await startCountingApp();
  browser = await launchChromium();
  await Promise.all(VERSIONS.map(serveVersion));
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await app?.close();
}, 30_000);

/** Serves the page with this version of React, and below it the same page as a server has rendered it. */
async function serveVersion(version: Version): Promise<void> {
  const alias = ALIASES[version];
  const path = pathOf(version);
  const contents = `import { controls } from ${JSON.stringify(PAGE)}; Object.assign(globalThis, { controls });`;
  servePage(app.app, path, await bundleForBrowser(contents, { alias }));
  const node = await build({
    stdin: {
      contents: `import { createElement } from 'react';
        import { renderToString } from 'react-dom/server';
        import { App } from ${JSON.stringify(PAGE)};
        process.stdout.write(renderToString(createElement(App, { user: 'ada', id: 'some' })));`,
      resolveDir: __dirname,
    },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    alias,
    logLevel: 'error',
  });
  app.app.get(`${path}/rendered`, (_req, res) => {
    const html = execFileSync(process.execPath, ['-'], { input: node.outputFiles[0]?.text ?? '' });
    res.send(pageHtml(path, html.toString()));
  });
}

async function untilFinished(user: string, id: string): Promise<void> {
  await eventually(async () => ((await (await app.call(user, `/tasks/${id}`)).json()) as Snapshot).finishedAt);
}

/** What a test has: a page that runs the hooks. */
interface Hooks {
  readonly user: string;
  readonly context: BrowserContext;
  readonly page: Page;
  readonly faults: BrowserFaults;
  /** How many WebSockets were opened, and are open. */
  readonly sockets: { opened: number; open: number };
  look(): Promise<typeof Observed>;
  text(selector: string): Promise<string | null>;
  /** Mounts the hooks; with `id`, the one for a single task too. */
  mount(id?: string): Promise<void>;
  untilLive(): Promise<unknown>;
}

/** The body of a test with a page of a version. `below` is added to the path of that page. */
const onPage =
  (test: (hooks: Hooks) => Promise<void>, below = '') =>
  async (version: Version) => {
    const user = `user-${++users}`;
    const faults = new BrowserFaults();
    const context = await browser.newContext();
    try {
      await faults.watch(context);
      const page = await context.newPage();
      const sockets = { opened: 0, open: 0 };
      page.on('websocket', (socket) => {
        sockets.opened++;
        sockets.open++;
        socket.on('close', () => sockets.open--);
      });
      await page.goto(app.url + pathOf(version) + below);
      const look = (): Promise<typeof Observed> => page.evaluate(() => controls.observed);
      await test({
        ...{ user, context, page, faults, sockets, look },
        text: (selector) => page.locator(selector).textContent(),
        mount: (id) =>
          page.evaluate(([name, about]) => controls.mount({ user: name, ...(about && { id: about }) }), [
            user,
            id,
          ] as const),
        untilLive: () =>
          eventually(async () => expect((await look()).connection.status).toBe('live'), { within: 10_000 }),
      });
    } finally {
      await context.close();
    }
    expect(faults.found).toEqual([]);
  };

it.concurrent.each(VERSIONS)(
  'React %i shows tasks live, and renders what changed only',
  onPage(async ({ user, page, look, text, mount, untilLive }) => {
    const other = await app.start(user, 1);
    await untilFinished(user, other);
    await mount(other);
    await untilLive();
    await eventually(async () => expect(await text('#one')).toBe('succeeded'));
    const before = (await look()).renders;
    const id = await page.evaluate(() => controls.startAndWait({ to: 30, pause: 40 }));
    await eventually(async () => expect(await text('#active')).toBe('1'));
    await untilFinished(user, id);
    await eventually(async () => expect(await text('ul')).toContain('Count to 30: succeeded'));
    expect(await text('#active')).toBe('0');
    const { renders } = await look();
    // StrictMode renders everything twice. The list saw some steps of progress; the others saw a beginning and an end, or nothing.
    expect(renders.list - before.list).toBeGreaterThanOrEqual(2 * 3);
    expect(renders.active - before.active).toBeLessThanOrEqual(2 * 2);
    expect(renders.one).toBe(before.one);
    expect(renders.connection).toBe(before.connection);
  }),
  30_000,
);

it.concurrent.each(VERSIONS)(
  'React %i has one connection in StrictMode, and none left of twenty quick mounts',
  onPage(async ({ user, page, faults, sockets, mount, untilLive }) => {
    // An authorization that arrives while the socket closes: pusher-js still sends its subscription, and Chromium complains.
    faults.expect(/WebSocket is already in CLOSING or CLOSED state/);
    await page.clock.install();
    await page.reload();
    await mount();
    await untilLive();
    expect(sockets).toEqual({ opened: 1, open: 1 });
    await page.evaluate(async (name) => {
      for (let round = 0; round < 20; round++) {
        controls.unmount();
        controls.mount({ user: name });
        // Some are gone before they have rendered, some before they are connected, some after that.
        await new Promise((resolve) => setTimeout(resolve, (round % 5) * 15));
      }
    }, user);
    await untilLive();
    await eventually(() => expect(sockets.open).toBe(1), { within: 10_000 });
    await page.evaluate(() => controls.unmount());
    await eventually(() => expect(sockets.open).toBe(0));
    const { opened } = sockets;
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    // Every retry and poll that is still set comes now.
    await page.clock.runFor(120_000);
    expect([asked, sockets.opened]).toEqual([[], opened]);
  }),
  60_000,
);

it.concurrent.each(VERSIONS)(
  'React %i tells each outcome once: after a loss too, and not again after a reload',
  onPage(async ({ user, context, page, faults, look, text, mount, untilLive }) => {
    await mount();
    await untilLive();
    await page.evaluate(() => controls.startAndWait({ to: 2 }));
    await eventually(async () => expect((await look()).outcomes).toEqual(['Count to 2: succeeded']));
    faults.expect(/ERR_INTERNET_DISCONNECTED/);
    await context.setOffline(true);
    await untilFinished(user, await app.start(user, 3));
    await context.setOffline(false);
    await eventually(async () => expect((await look()).outcomes).toHaveLength(2), { within: 20_000 });
    expect((await look()).outcomes).toEqual(['Count to 2: succeeded', 'Count to 3: succeeded']);

    await page.reload();
    await mount();
    await untilLive();
    await eventually(async () => expect(await text('ul')).toContain('Count to 3: succeeded'));
    await page.evaluate(() => controls.startAndWait({ to: 4 }));
    await eventually(async () => expect((await look()).outcomes).toEqual(['Count to 4: succeeded']));
  }),
  60_000,
);

it.concurrent.each(VERSIONS)(
  'React %i connects again for another url, and tells nothing of the tasks at the old one',
  onPage(async ({ user, page, sockets, look, mount, untilLive }) => {
    await untilFinished(user, await app.start(user, 2));
    await mount();
    await untilLive();
    const url = `${app.url}/tasks`;
    await page.evaluate((props) => controls.mount(props), { user, url });
    await eventually(() => expect(sockets).toEqual({ opened: 2, open: 1 }));
    await untilLive();
    await page.evaluate(() => controls.startAndWait({ to: 3 }));
    await eventually(async () => expect((await look()).outcomes).toEqual(['Count to 3: succeeded']));
  }),
  30_000,
);

it.concurrent.each(VERSIONS)(
  'React %i starts and cancels tasks, and says what is going on and what went wrong',
  onPage(async ({ page, faults, look, text, mount, untilLive }) => {
    await mount();
    await untilLive();
    faults.expect(/status of 422/);
    await page.evaluate(() => controls.start({ to: -1 }));
    await eventually(async () =>
      expect((await look()).start).toEqual({ isPending: false, code: 'invalid_input', issues: 1 }),
    );
    await page.route('**/tasks', async (route) => {
      await eventually(async () => expect((await look()).start).toEqual({ isPending: true, code: '', issues: 0 }));
      await route.continue();
    });
    const id = await page.evaluate(() => controls.startAndWait({ to: 1_000, pause: 20 }));
    await eventually(async () => expect((await look()).start).toEqual({ isPending: false, code: '', issues: 0 }));
    expect(await page.evaluate((task) => controls.cancel(task), id)).toMatch(/^cancell/);
    await eventually(async () => expect(await text('ul')).toContain('cancelled'));
  }),
  30_000,
);

it.concurrent.each(VERSIONS)(
  'React %i fetches a task that the feed does not have, and knows one that is not there',
  onPage(async ({ user, page, faults, look, text, mount, untilLive }) => {
    const old = await app.start(user, 1);
    const ids = [old];
    for (let more = 0; more < 21; more++) ids.push(await app.start(user, 1));
    for (const id of ids) await untilFinished(user, id);
    await app.post(user, '/tasks/seen', { ids });
    // A request that fails is made again when the connection has changed. StrictMode makes two requests, so two fail.
    faults.expect(/ERR_FAILED/);
    await page.route(`**/tasks/${old}`, (route) => route.abort(), { times: 2 });
    await mount(old);
    await untilLive();
    await eventually(async () => expect(await text('#one')).toBe('succeeded'));
    expect((await look()).outcomes).toEqual([]);
    faults.expect(/status of 404/);
    await mount('nothing-of-this-name');
    await eventually(async () => expect(await text('#one')).toBe('none'));
  }),
  30_000,
);

it.concurrent.each(VERSIONS)(
  'React %i takes a feed that is there already, and leaves it open',
  onPage(async ({ user, page, text, untilLive }) => {
    await app.start(user, 1);
    await page.evaluate((name) => controls.mountWithFeed(name), user);
    await untilLive();
    expect(await text('ul')).toContain('Count to 1');
    await page.evaluate(() => controls.unmount());
    expect(await page.evaluate(() => controls.closeFeed())).toBe('live');
  }),
  30_000,
);

it.concurrent.each(VERSIONS)(
  'React %i renders on a server, and takes over in the browser what was rendered there',
  onPage(async ({ page, faults, look, text, untilLive }) => {
    expect(await page.locator('#root').innerHTML()).toMatch(/^<ul><\/ul><output id="active">0<.*>unknown<\/output>$/);
    faults.expect(/status of 404/);
    await app.start('ada', 1);
    await page.evaluate(() => controls.hydrate({ user: 'ada', id: 'some' }));
    await untilLive();
    await eventually(async () => expect(await text('ul')).toContain('Count to 1: succeeded'));
    expect((await look()).hydrationErrors).toEqual([]);
  }, '/rendered'),
  30_000,
);
