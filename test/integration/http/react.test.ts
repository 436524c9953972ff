// The hooks as a page uses them: React 18 and 19 in Chromium and on a server, against real Redis, Soketi and Express.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { bundleForBrowser, pageHtml, servePage } from '../../support/browser/browser-bundle.ts';
import { BrowserFaults } from '../../support/browser/browser-faults.ts';
import { launchChromium } from '../../support/browser/chromium.ts';
import type { levers as Levers, seen as Seen } from '../../support/browser/react-page.ts';
import { eventually } from '../../support/eventually.ts';
import { type CountingApp, startCountingApp } from '../../support/processes/counting-app.ts';

declare const levers: typeof Levers;

const PAGE = join(__dirname, '../../support/browser/react-page.ts');
const VERSIONS = {
  18: { react: 'react-18', 'react-dom': 'react-dom-18' },
  19: {},
} as const;

let app: CountingApp;
let browser: Browser;

beforeAll(async () => {
  app = await startCountingApp();
  browser = await launchChromium();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await app?.close();
}, 30_000);

async function untilFinished(user: string, id: string): Promise<void> {
  await eventually(async () => ((await (await app.call(user, `/tasks/${id}`)).json()) as Snapshot).finishedAt);
}

describe.each([18, 19] as const)('React %i', (version) => {
  const alias = VERSIONS[version];
  const path = `/react-${version}`;
  let context: BrowserContext;
  let page: Page;
  let faults: BrowserFaults;
  /** How many WebSockets were opened, and are open. */
  let sockets: { opened: number; open: number };
  let user = '';
  let users = 0;

  beforeAll(async () => {
    const contents = `import { levers } from ${JSON.stringify(PAGE)}; Object.assign(globalThis, { levers });`;
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
  }, 30_000);

  beforeEach(async () => {
    users += 1;
    user = `user-${version}-${users}`;
    faults = new BrowserFaults();
    context = await browser.newContext();
    await faults.watch(context);
    await open(path);
  }, 30_000);

  afterEach(async () => {
    await context.close();
    expect(faults.found).toEqual([]);
  });

  async function open(address: string): Promise<void> {
    page = await context.newPage();
    sockets = { opened: 0, open: 0 };
    page.on('websocket', (socket) => {
      sockets.opened++;
      sockets.open++;
      socket.on('close', () => sockets.open--);
    });
    await page.goto(app.url + address);
  }

  const look = (): Promise<typeof Seen> => page.evaluate(() => levers.seen);
  const text = (selector: string) => page.locator(selector).textContent();
  const mount = (id?: string) =>
    page.evaluate(([name, about]) => levers.mount({ user: name, ...(about && { id: about }) }), [user, id] as const);
  const untilLive = () =>
    eventually(async () => expect((await look()).connection.status).toBe('live'), { within: 10_000 });

  it('shows tasks live, and renders what changed only', async () => {
    const other = await app.start(user, 1);
    await untilFinished(user, other);
    await mount(other);
    await untilLive();
    await eventually(async () => expect(await text('#one')).toBe('succeeded'));
    const before = (await look()).renders;
    const id = await page.evaluate(() => levers.startAndWait({ to: 30, pause: 40 }));
    await eventually(async () => expect(await text('#active')).toBe('1'));
    await untilFinished(user, id);
    await eventually(async () => expect(await text('ul')).toContain('Count to 30: succeeded'));
    expect(await text('#active')).toBe('0');
    const { renders } = await look();
    // Twice each: StrictMode. The list saw some steps of progress, the others a beginning and an end, or nothing.
    expect(renders.list - before.list).toBeGreaterThanOrEqual(2 * 3);
    expect(renders.active - before.active).toBeLessThanOrEqual(2 * 2);
    expect(renders.one).toBe(before.one);
    expect(renders.connection).toBe(before.connection);
  }, 30_000);

  it('has one connection in StrictMode, and none left of twenty quick mounts', async () => {
    // An authorization that arrives while the socket closes: pusher-js still sends its subscription, and Chromium complains.
    faults.expect(/WebSocket is already in CLOSING or CLOSED state/);
    await page.clock.install();
    await page.reload();
    await mount();
    await untilLive();
    expect(sockets).toEqual({ opened: 1, open: 1 });
    await page.evaluate(async (name) => {
      for (let round = 0; round < 20; round++) {
        levers.unmount();
        levers.mount({ user: name });
        // Some are gone before they have rendered, some before they are connected, some after that.
        await new Promise((resolve) => setTimeout(resolve, (round % 5) * 15));
      }
    }, user);
    await untilLive();
    await eventually(() => expect(sockets.open).toBe(1), { within: 10_000 });
    await page.evaluate(() => levers.unmount());
    await eventually(() => expect(sockets.open).toBe(0));
    const { opened } = sockets;
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    // Every retry and poll that is still set comes now.
    await page.clock.runFor(120_000);
    expect([asked, sockets.opened]).toEqual([[], opened]);
  }, 60_000);

  it('tells each outcome once: after a loss too, and not again after a reload', async () => {
    await mount();
    await untilLive();
    await page.evaluate(() => levers.startAndWait({ to: 2 }));
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
    await page.evaluate(() => levers.startAndWait({ to: 4 }));
    await eventually(async () => expect((await look()).outcomes).toEqual(['Count to 4: succeeded']));
  }, 60_000);

  it('connects again for another url, and tells nothing of the tasks at the old one', async () => {
    await untilFinished(user, await app.start(user, 2));
    await mount();
    await untilLive();
    const url = `${app.url}/tasks`;
    await page.evaluate((props) => levers.mount(props), { user, url });
    await eventually(() => expect(sockets).toEqual({ opened: 2, open: 1 }));
    await untilLive();
    await page.evaluate(() => levers.startAndWait({ to: 3 }));
    await eventually(async () => expect((await look()).outcomes).toEqual(['Count to 3: succeeded']));
  }, 30_000);

  it('starts and cancels tasks, and says what is going on and what went wrong', async () => {
    await mount();
    await untilLive();
    faults.expect(/status of 422/);
    await page.evaluate(() => levers.start({ to: -1 }));
    await eventually(async () =>
      expect((await look()).start).toEqual({ isPending: false, code: 'invalid_input', issues: 1 }),
    );
    await page.route('**/tasks', async (route) => {
      await eventually(async () => expect((await look()).start).toEqual({ isPending: true, code: '', issues: 0 }));
      await route.continue();
    });
    const id = await page.evaluate(() => levers.startAndWait({ to: 1_000, pause: 20 }));
    await eventually(async () => expect((await look()).start).toEqual({ isPending: false, code: '', issues: 0 }));
    expect(await page.evaluate((task) => levers.cancel(task), id)).toMatch(/^cancell/);
    await eventually(async () => expect(await text('ul')).toContain('cancelled'));
  }, 30_000);

  it('fetches a task that the feed does not have, and knows one that is not there', async () => {
    const old = await app.start(user, 1);
    const ids = [old];
    for (let more = 0; more < 21; more++) ids.push(await app.start(user, 1));
    for (const id of ids) await untilFinished(user, id);
    await app.post(user, '/tasks/seen', { ids });
    // What fails is asked for again when the connection has changed. Twice: StrictMode.
    faults.expect(/ERR_FAILED/);
    await page.route(`**/tasks/${old}`, (route) => route.abort(), { times: 2 });
    await mount(old);
    await untilLive();
    await eventually(async () => expect(await text('#one')).toBe('succeeded'));
    expect((await look()).outcomes).toEqual([]);
    faults.expect(/status of 404/);
    await mount('nothing-of-this-name');
    await eventually(async () => expect(await text('#one')).toBe('none'));
  }, 30_000);

  it('takes a feed that is there already, and leaves it open', async () => {
    await app.start(user, 1);
    await page.evaluate((name) => levers.mountWithFeed(name), user);
    await untilLive();
    expect(await text('ul')).toContain('Count to 1');
    await page.evaluate(() => levers.unmount());
    expect(await page.evaluate(() => levers.closeFeed())).toBe('live');
  }, 30_000);

  it('renders on a server, and takes over in the browser what was rendered there', async () => {
    await page.close();
    await open(`${path}/rendered`);
    expect(await page.locator('#root').innerHTML()).toMatch(/^<ul><\/ul><output id="active">0<.*>unknown<\/output>$/);
    faults.expect(/status of 404/);
    await app.start('ada', 1);
    await page.evaluate(() => levers.hydrate({ user: 'ada', id: 'some' }));
    await untilLive();
    await eventually(async () => expect(await text('ul')).toContain('Count to 1: succeeded'));
    expect((await look()).repaired).toEqual([]);
  }, 30_000);
});
