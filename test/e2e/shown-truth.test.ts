// What the tray shows between two messages against the truth, frame by frame: a real worker, Redis, Soketi and Chromium. The
// handler records what it has done when; the page is filmed. A worker is killed, the work stalls and jumps, messages are
// lost, doubled and reordered on their way.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Backend } from '../../backend/backend.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { createRandom } from '../chaos/random.ts';
import { NO_TROUBLE, type PushProxy, startPushProxy } from '../chaos/world/push-proxy.ts';
import { bundleForBrowser, servePage } from '../support/browser/browser-bundle.ts';
import { BrowserFaults } from '../support/browser/browser-faults.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { backendOn, startApp, startBus, type TestApp, type TestBus } from '../support/parts.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../support/processes/script-process.ts';
import { paced } from './processes/paced-tasks.ts';
import { type Frame, filmTray, standstills } from './screen-film.ts';

const TOTAL = 1_000;
/** As full as the bar gets before the outcome. */
const FULLEST = 0.985;
/**
 * By how much of the bar frames may be off: half of them, 19 of 20, all. The sender allows 1 %. On the way come a look every
 * 100 ms, a step of the bar of 250 ms, and a machine on which other tests run.
 */
const ERROR = { half: 0.02, most: 0.05, all: 0.1 } as const;

let bus: TestBus;
let backend: Backend;
let app: TestApp;
let proxy: PushProxy;
let bundle: Bundle;
let worker: ScriptProcess;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let user = '';
let users = 0;
const faults = new BrowserFaults();

beforeAll(async () => {
  [bundle, bus, browser] = await Promise.all([
    bundleScript('test/e2e/processes/paced-worker.ts'),
    startBus(),
    launchChromium(),
  ]);
  proxy = await startPushProxy(bus.soketi.pusher, createRandom(14));
  backend = backendOn({ ...bus.env, PUSHER_PUBLIC_HOST: '127.0.0.1', PUSHER_PUBLIC_PORT: String(proxy.port) });
  app = await startApp(backend, [paced]);
  servePage(
    app.app,
    '/page',
    await bundleForBrowser(`
      import { InloopTray } from './client/element/index.ts';
      const tray = document.createElement('inloop-tray');
      tray.setAttribute('url', '/tasks');
      tray.setAttribute('title-progress', '');
      document.body.append(tray);
      Object.assign(globalThis, { InloopTray });`),
  );
  worker = await startScript(bundle, bus.env, 'worker ready');
}, 90_000);

afterEach(async () => {
  proxy.cause(NO_TROUBLE);
  await context?.close();
  expect(faults.found).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await worker?.kill();
  await proxy?.close();
  await app?.close();
  await backend?.close();
  await bus?.stop();
  bundle?.remove();
}, 30_000);

/** Opens a page with the tray open, filmed, and starts a task by `plan`. */
async function watch(plan: readonly { done: number; ms: number }[]): Promise<Snapshot> {
  user = `user-${++users}`;
  context = await browser.newContext({ extraHTTPHeaders: { 'x-user': user } });
  await faults.watch(context);
  page = await context.newPage();
  await page.addInitScript(filmTray);
  await page.goto(`${app.url}/page`);
  await page.locator('inloop-tray [part=button]').click();
  await eventually(async () => (await app.call(user, '/tasks/connection')).ok && (await isLive()), { within: 15_000 });
  const response = await app.post(user, '/tasks', { name: paced.name, input: { total: TOTAL, plan } });
  return (await response.json()) as Snapshot;
}

const isLive = () =>
  page.evaluate(
    () =>
      (
        document.querySelector('inloop-tray') as unknown as {
          feed?: { getSnapshot(): { connection: { status: string } } };
        }
      ).feed?.getSnapshot().connection.status === 'live',
  );

const read = async (id: string) => (await (await app.call(user, `/tasks/${id}`)).json()) as Snapshot;
const film = () => page.evaluate(() => (globalThis as unknown as { film: Frame[] }).film);
const remarks = () => page.locator('inloop-tray [part=remark]').allTextContents();
const untilDone = (id: string) =>
  eventually(async () => expect((await read(id)).status).toBe('succeeded'), { within: 40_000, that: 'the outcome' });

/** What the handler has done, by time. */
function truthOf(id: string): { at: number; done: number }[] {
  const lines = worker.output().matchAll(/truth (\S+) (\d+) (\d+)/g);
  return [...lines].flatMap(([, task, at, done]) => (task === id ? { at: Number(at), done: Number(done) } : []));
}

/** How many elements are done at `at`. */
function doneAt(truth: readonly { at: number; done: number }[], at: number): number {
  return truth.findLast((entry) => entry.at <= at)?.done ?? 0;
}

function expectHonest(frames: readonly Frame[]): void {
  expect(frames.length).toBeGreaterThan(100);
  const back = frames.filter(({ share }, index) => share < (frames[index - 1]?.share ?? 0) - 0.0005);
  expect(back).toEqual([]);
  const counts = frames.flatMap(({ count }) => count ?? []);
  expect(counts.filter((count, index) => count < (counts[index - 1] ?? 0))).toEqual([]);
  expect(Math.max(...counts)).toBeLessThan(TOTAL);
  expect(Math.max(...frames.map(({ share }) => share))).toBeLessThanOrEqual(FULLEST + 0.0005);
}

describe('what the tray shows between two messages', () => {
  it('is close to the truth in every frame, except in the first second after a jump or a stall', async () => {
    const { id } = await watch([
      { done: 200, ms: 4_000 },
      // A jump to 400.
      { done: 200, ms: 1 },
      { done: 100, ms: 4_000 },
      // A stall at 500.
      { done: 0, ms: 5_000 },
      { done: 300, ms: 4_000 },
    ]);
    await untilDone(id);
    const frames = await film();
    expectHonest(frames);
    const truth = truthOf(id);
    const reached = (done: number) => truth.find((entry) => entry.done >= done)?.at ?? Number.NaN;
    const jumpAt = reached(300);
    const stallAt = reached(500);
    const goesOnAt = reached(501);
    expect(goesOnAt - stallAt).toBeGreaterThan(4_900);
    // Without the first second, the stall, and the second after the jump and after the stall.
    const settling = [truth[0]?.at ?? 0, jumpAt, goesOnAt];
    const rated = frames.filter(
      ({ at }) => (at < stallAt || at > goesOnAt) && settling.every((from) => at < from || at > from + 1_000),
    );
    const errors = rated
      .map(({ at, share }) => Math.abs(share - Math.min(doneAt(truth, at) / TOTAL, FULLEST)))
      .sort((a, b) => a - b);
    expect(errors.length).toBeGreaterThan(200);
    expect(errors[Math.floor(errors.length / 2)]).toBeLessThan(ERROR.half);
    expect(errors[Math.floor(errors.length * 0.95)]).toBeLessThan(ERROR.most);
    expect(errors.at(-1)).toBeLessThan(ERROR.all);

    // A second after the stall began the bar has at most as far to go as the sender allows, and then it stands still.
    const stalled = frames.filter(({ at }) => at > stallAt + 1_000 && at < goesOnAt);
    expect((stalled.at(-1)?.share ?? 1) - (stalled[0]?.share ?? 0)).toBeLessThan(0.01);
    const still = standstills(frames, 2_500).find(({ from }) => from > stallAt - 1_000);
    expect(still?.to).toBeGreaterThan(goesOnAt);
    expect(Math.abs((still?.share ?? 0) - 0.5)).toBeLessThan(ERROR.most);
  }, 60_000);

  it('never goes back and never past the total while messages are lost, doubled and reordered, and is right afterwards', async () => {
    const { id } = await watch([
      { done: 150, ms: 2_500 },
      { done: 350, ms: 3_500 },
      { done: 100, ms: 2_000 },
      { done: 50, ms: 2_500 },
      { done: 200, ms: 4_000 },
    ]);
    proxy.cause({ drop: 0.35, double: 0.4, delay: 0.4 });
    await eventually(() => expect(truthOf(id).at(-1)?.done).toBeGreaterThan(650), { within: 20_000 });
    proxy.cause(NO_TROUBLE);
    await untilDone(id);
    expect(proxy.counts.dropped + proxy.counts.doubled + proxy.counts.delayed).toBeGreaterThan(3);
    const frames = await film();
    expectHonest(frames);
    await eventually(async () => expect(await page.locator('inloop-tray [part=state]').innerText()).toBe('Done'));
  }, 60_000);

  it('stands still 10 s after the last message of a killed worker, and says so', async () => {
    const { id } = await watch([{ done: 900, ms: 60_000 }]);
    await eventually(() => expect(truthOf(id).at(-1)?.done).toBeGreaterThan(40), { within: 15_000 });
    await worker.kill();
    const lastMessageAt = Date.parse((await read(id)).updatedAt);
    await eventually(
      async () => expect(await remarks()).toEqual([expect.stringMatching(/^No sign of the worker for/)]),
      {
        within: 14_000,
      },
    );
    const saidAt = Date.now();
    await page.waitForTimeout(1_500);
    const frames = await film();
    expectHonest(frames);
    const still = standstills(frames, 1_000).at(-1);
    expect((still?.from ?? Number.NaN) - lastMessageAt).toBeLessThan(10_300);
    expect(saidAt - lastMessageAt).toBeLessThan(12_500);
    expect(await page.locator('inloop-tray [part=task]').getAttribute('data-stale')).toBe('');
    // No more than what the worker had promised when it was killed.
    const done = truthOf(id).at(-1)?.done ?? 0;
    expect((still?.share ?? 1) * TOTAL - done).toBeLessThan(15 * 10.5);
  }, 60_000);
});
