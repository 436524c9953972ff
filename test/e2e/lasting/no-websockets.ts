// The demo in a network that blocks WebSockets: the page is live over HTTP, through the fallback of its own server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import type { InloopTray } from '../../../client/element/index.ts';
import { sampleCsv } from '../../../demo/tools/sample-rows.ts';
import { launchChromium } from '../../support/browser/chromium.ts';
import { type NoWebSocketProxy, startNoWebSocketProxy } from '../../support/browser/no-websocket-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { Pool } from '../../support/pool.ts';
import { startStack, type TestStack } from '../../support/processes/stack.ts';
import { DemoPage } from '../demo-page.ts';
import { waitUntilLive, waitUntilNotLive } from '../world.ts';

/** A limit for what hangs, in ms. Includes the wait for other tests. */
const LIMIT = 240_000;

let stack: TestStack;
let folder: string;
/** A browser that reaches everything through a proxy of its own. */
interface Network {
  readonly proxy: NoWebSocketProxy;
  readonly browser: Browser;
}
/** A network that never lets WebSockets through, and one that lets them through at times. */
let strict: Network;
let changing: Network;

async function startNetwork(): Promise<Network> {
  const proxy = await startNoWebSocketProxy();
  return { proxy, browser: await launchChromium({ flags: proxy.flags }) };
}

/**
 * The strict network, for one test at a time. It is added once the test on the changing network does nothing but wait: until then
 * that test checks times of a few seconds, which a busy machine would exceed.
 */
const strictNetwork = new Pool<Network>();
const inStrictNetwork = (test: (network: Network) => Promise<void>) => () => strictNetwork.use(test);

/**
 * Registers the tests.
 *
 * @returns what tests of the same file wait for before they make the machine busy
 */
export function testNoWebSockets(): { untilQuiet: Promise<void> } {
  let letOthersStart: () => void = () => undefined;
  const untilQuiet = new Promise<void>((resolve) => {
    letOthersStart = resolve;
  });
  void untilQuiet.then(() => strictNetwork.add(strict));
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'inloop-e2e-'));
    [stack, strict, changing] = await Promise.all([
      startStack({ env: { IMPORT_ROW_DELAY_MS: '20' } }),
      startNetwork(),
      startNetwork(),
    ]);
    // If Jest was told to run only other tests of this file, the test that they wait for never calls it.
    setTimeout(letOthersStart, 30_000).unref();
  }, 150_000);

  afterAll(async () => {
    for (const network of [strict, changing]) {
      await network?.browser.close();
      await network?.proxy.close();
    }
    expect(await stack?.stop()).toBe('exit code 0');
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  // First, since it waits longest.
  it.concurrent(
    'WebSockets that are blocked in the middle of a session are replaced by HTTP within 8 s, and used again within a minute after they are allowed, in all tabs and without a reload',
    () => blockAndAllow(letOthersStart).finally(letOthersStart),
    LIMIT,
  );

  it.concurrent(
    'without WebSockets the page is live within 10 s of a first visit, and shows an import row by row',
    inStrictNetwork(showImport),
    LIMIT,
  );

  it.concurrent(
    'without WebSockets eight tabs of a browser are live over one connection, and another tab takes over when the leader is closed',
    inStrictNetwork(shareConnection),
    LIMIT,
  );

  return { untilQuiet };
}

/** A first visit, and an import. */
async function showImport({ proxy, browser }: Network): Promise<void> {
  const page = await (await browser.newContext()).newPage();
  const blocked: string[] = [];
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) blocked.push(message.text());
  });
  const tab = new DemoPage(page);
  await page.goto(stack.url);
  const began = Date.now();
  await tab.signIn('ada');
  await waitUntilLive(tab);
  expect(Date.now() - began).toBeLessThan(10_000);
  expect(proxy.askedTunnels).toContain(`127.0.0.1:${stack.services().soketi?.port}`);
  expect(proxy.passed.some((path) => path.endsWith('/xhr_streaming'))).toBe(true);
  expect(blocked).toEqual([]);

  const file = join(folder, 'contacts.csv');
  writeFileSync(file, [...sampleCsv({ rows: 200 })].join(''));
  await tab.setSlow(true);
  await tab.drop(file);
  await tab.openTray();
  const seen = new Set<string>();
  // The import takes 4 s or a little more: 200 rows of 20 ms. Polling asks every 2.5 s, so it would show two steps, or three.
  await eventually(
    async () => {
      const text = await tab.row('Import contacts.csv').text();
      seen.add(text);
      return /Done · 200 imported/.test(text);
    },
    { within: 25_000 },
  );
  expect(seen.size).toBeGreaterThan(5);
}

/** Eight tabs of one browser. The one that holds the connection is closed during an import. */
async function shareConnection({ browser }: Network): Promise<void> {
  const context = await browser.newContext();
  expect((await context.request.post(`${stack.url}/session`, { data: { user: 'octa' } })).status()).toBe(200);
  const tabs: DemoPage[] = [];
  /** The tabs that have opened a push connection of their own. */
  const connected = new Set<number>();
  /** How long the first tab takes to be live: on a busy machine everything takes longer. */
  let usual = 0;
  for (let n = 0; n < 8; n++) {
    const tab = new DemoPage(await context.newPage());
    tab.page.on('request', (sent) => {
      if (/\/xhr(?:_streaming)?\?/.test(sent.url())) connected.add(n);
    });
    const began = Date.now();
    await tab.page.goto(stack.url);
    if (n === 0) {
      await waitUntilLive(tab, 20_000);
      usual = Date.now() - began;
    }
    tabs.push(tab);
  }
  // HTTP/1.1 allows six connections to a host. Eight streams would leave none for other requests.
  for (const tab of tabs) await waitUntilLive(tab, 20_000);
  expect([...connected]).toEqual([0]);

  const [first, ...others] = tabs as [DemoPage, ...DemoPage[]];
  const file = join(folder, 'octa.csv');
  writeFileSync(file, [...sampleCsv({ rows: 100 })].join(''));
  await first.setSlow(true);
  await first.drop(file);
  await eventually(async () => (await tasksIn(others[6] as DemoPage)).includes('running'), { within: 10_000 });
  const closedAt = Date.now();
  // Close the tab as a person does, so that the page's unload events fire.
  await first.page.close({ runBeforeUnload: true });
  await eventually(() => connected.size > 1, { within: 15_000, that: 'another tab to connect' });
  for (const tab of others) await waitUntilLive(tab, 20_000);
  expect(Date.now() - closedAt).toBeLessThan(Math.max(2_000, 2 * usual));
  expect(connected.size).toBe(2);
  for (const tab of others) {
    await eventually(async () => expect(await tasksIn(tab)).toEqual(['succeeded']), { within: 15_000 });
  }
  await context.close();
}

/**
 * Blocks WebSockets while two tabs are live, and allows them again.
 *
 * @param letOthersStart is called when from then on this test mostly waits
 */
async function blockAndAllow(letOthersStart: () => void): Promise<void> {
  const { proxy, browser } = changing;
  proxy.allowTunnels();
  const context = await browser.newContext();
  expect((await context.request.post(`${stack.url}/session`, { data: { user: 'mia' } })).status()).toBe(200);
  const tabs: DemoPage[] = [];
  let streams = 0;
  for (let n = 0; n < 2; n++) {
    const tab = new DemoPage(await context.newPage());
    tab.page.on('request', (sent) => {
      if (/\/xhr(?:_streaming)?\?/.test(sent.url())) streams++;
    });
    await tab.page.goto(stack.url);
    await waitUntilLive(tab);
    tabs.push(tab);
  }
  expect(streams).toBe(0);

  const sockets: string[] = [];
  for (const { page } of tabs) page.on('websocket', (socket) => sockets.push(socket.url()));
  proxy.blockTunnels();
  const blockedAt = Date.now();
  await waitUntilNotLive(tabs);
  for (const tab of tabs) await waitUntilLive(tab, 15_000);
  expect(Date.now() - blockedAt).toBeLessThan(8_000);
  expect(streams).toBeGreaterThan(0);

  // From here on this test mostly waits.
  letOthersStart();
  // A few attempts fail first.
  const tried = sockets.length;
  await eventually(() => sockets.length > tried + 1, { within: 40_000, that: 'WebSockets to be tried' });
  const losses = await Promise.all(tabs.map(countLosses));
  proxy.allowTunnels();
  const backAt = Date.now();
  await eventually(() => proxy.openTunnels > 0, { within: 60_000, that: 'a WebSocket to be used again' });
  expect(Date.now() - backAt).toBeLessThan(60_000);
  for (const tab of tabs) await waitUntilLive(tab);
  for (const loss of losses) expect(await loss()).toBe(0);

  // The new WebSocket carries pushed events.
  const file = join(folder, 'mia.csv');
  writeFileSync(file, [...sampleCsv({ rows: 20 })].join(''));
  await (tabs[0] as DemoPage).drop(file);
  for (const tab of tabs)
    await eventually(async () => expect(await tasksIn(tab)).toEqual(['succeeded']), { within: 15_000 });
  await context.close();
}

/** Starts to count how often the tab loses push. */
async function countLosses(tab: DemoPage): Promise<() => Promise<number>> {
  await tab.tray.evaluate((tray) => {
    const { feed } = tray as InloopTray;
    Object.assign(globalThis, { losses: 0 });
    feed?.subscribe(() => {
      if (feed.getSnapshot().connection.status !== 'live') (globalThis as unknown as { losses: number }).losses++;
    });
  });
  return () => tab.page.evaluate(() => (globalThis as unknown as { losses: number }).losses);
}

function tasksIn(tab: DemoPage): Promise<string[]> {
  return tab.tray.evaluate((tray) => (tray as InloopTray).feed?.getSnapshot().tasks.map(({ status }) => status) ?? []);
}
