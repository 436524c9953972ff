// What the tray shows between two messages against the truth, frame by frame: a real worker, Redis, Soketi and Chromium. The
// handler prints how many elements are done at which time; the page is filmed. A worker is killed, the work stalls and jumps,
// messages are lost, doubled and reordered on their way.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { createRandom } from '../chaos/random.ts';
import { NO_TROUBLE, type PushProxy, startPushProxy } from '../chaos/world/push-proxy.ts';
import { bundleForBrowser, servePage } from '../support/browser/browser-bundle.ts';
import { BrowserFaults } from '../support/browser/browser-faults.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { backendOn, startApp, startBus } from '../support/parts.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../support/processes/script-process.ts';
import { paced } from './processes/paced-tasks.ts';
import { type Frame, filmTray, standstills } from './screen-film.ts';

const TOTAL = 1_000;
/** How full the bar gets at most before the outcome, from 0 to 1. */
const FULLEST = 0.985;
/**
 * By how much of the bar frames may be off: half of them, 19 of 20, all. The sender allows 1 %. To that come a look only every
 * 100 ms, a step of the bar that takes 250 ms, and a machine on which other tests run.
 */
const ERROR = { half: 0.02, most: 0.05, all: 0.1 } as const;

let bundle: Bundle;
let script: string;
let browser: Browser;

beforeAll(async () => {
  [bundle, script, browser] = await Promise.all([
    bundleScript('test/e2e/processes/paced-worker.ts'),
    bundleForBrowser(`
      import { InloopTray } from './client/element/index.ts';
      const tray = document.createElement('inloop-tray');
      tray.setAttribute('url', '/tasks');
      tray.setAttribute('title-progress', '');
      document.body.append(tray);
      Object.assign(globalThis, { InloopTray });`),
    launchChromium(),
  ]);
}, 90_000);

afterAll(async () => {
  await browser?.close();
  bundle?.remove();
}, 30_000);

/** What a test has: parts of its own, and a page with an open tray that is filmed. */
interface Film {
  readonly proxy: PushProxy;
  readonly worker: ScriptProcess;
  readonly page: Page;
  /** Opens the page, and starts a task by `plan`. */
  watch(plan: readonly { done: number; ms: number }[]): Promise<Snapshot>;
  read(id: string): Promise<Snapshot>;
  untilDone(id: string): Promise<unknown>;
  film(): Promise<Frame[]>;
  /** What the handler has done, by time. */
  truthOf(id: string): { at: number; done: number }[];
}

const USER = 'ada';

/** The body of a test with parts of its own. */
const filmed = (test: (film: Film) => Promise<void>) => async () => {
  const bus = await startBus();
  const proxy = await startPushProxy(bus.soketi.pusher, createRandom(14));
  const backend = backendOn({ ...bus.env, PUSHER_PUBLIC_HOST: '127.0.0.1', PUSHER_PUBLIC_PORT: String(proxy.port) });
  const app = await startApp(backend, [paced]);
  servePage(app.app, '/page', script);
  const worker = await startScript(bundle, bus.env, 'worker ready');
  const context = await browser.newContext({ extraHTTPHeaders: { 'x-user': USER } });
  try {
    const faults = new BrowserFaults();
    await faults.watch(context);
    const page = await context.newPage();
    await page.addInitScript(filmTray);
    const read = async (id: string) => (await (await app.call(USER, `/tasks/${id}`)).json()) as Snapshot;
    await test({
      ...{ proxy, worker, page, read },
      async watch(plan) {
        await page.goto(`${app.url}/page`);
        await page.locator('inloop-tray [part=button]').click();
        await eventually(async () => (await app.call(USER, '/tasks/connection')).ok && (await isLive(page)), {
          within: 15_000,
        });
        const response = await app.post(USER, '/tasks', { name: paced.name, input: { total: TOTAL, plan } });
        return (await response.json()) as Snapshot;
      },
      untilDone: (id) =>
        eventually(async () => expect((await read(id)).status).toBe('succeeded'), {
          within: 40_000,
          that: 'the outcome',
        }),
      film: () => page.evaluate(() => (globalThis as unknown as { film: Frame[] }).film),
      truthOf(id) {
        const lines = worker.output().matchAll(/truth (\S+) (\d+) (\d+)/g);
        return [...lines].flatMap(([, task, at, done]) => (task === id ? { at: Number(at), done: Number(done) } : []));
      },
    });
    expect(faults.found).toEqual([]);
  } finally {
    await context.close();
    await worker.kill();
    await proxy.close();
    await app.close();
    await backend.close();
    await bus.stop();
  }
};

const isLive = (page: Page) =>
  page.evaluate(
    () =>
      (
        document.querySelector('inloop-tray') as unknown as {
          feed?: { getSnapshot(): { connection: { status: string } } };
        }
      ).feed?.getSnapshot().connection.status === 'live',
  );

/** How many elements are done at `at`. */
function doneAt(truth: readonly { at: number; done: number }[], at: number): number {
  return truth.findLast((entry) => entry.at <= at)?.done ?? 0;
}

/** Expects that bar and count never went back and never reached the total. A move of the bar by up to 0.05 % is rounding. */
function expectHonest(frames: readonly Frame[]): void {
  expect(frames.length).toBeGreaterThan(100);
  const back = frames.filter(({ share }, index) => share < (frames[index - 1]?.share ?? 0) - 0.0005);
  expect(back).toEqual([]);
  const counts = frames.flatMap(({ count }) => count ?? []);
  expect(counts.filter((count, index) => count < (counts[index - 1] ?? 0))).toEqual([]);
  expect(Math.max(...counts)).toBeLessThan(TOTAL);
  expect(Math.max(...frames.map(({ share }) => share))).toBeLessThanOrEqual(FULLEST + 0.0005);
}

// Alone, since a machine that is busy otherwise shows fewer frames.
it(
  'what the tray shows between two messages is close to the truth in every frame, except in the first second after a jump or a stall',
  filmed(async ({ watch, untilDone, film, truthOf }) => {
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
    // The frames that count: without the stall, and without the first second of the film, after the jump and after the stall.
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

    // From a second after the stall began, the bar moves by less than the 1 % that the sender allows. Then it stands still.
    const stalled = frames.filter(({ at }) => at > stallAt + 1_000 && at < goesOnAt);
    expect((stalled.at(-1)?.share ?? 1) - (stalled[0]?.share ?? 0)).toBeLessThan(0.01);
    const still = standstills(frames, 2_500).find(({ from }) => from > stallAt - 1_000);
    expect(still?.to).toBeGreaterThan(goesOnAt);
    expect(Math.abs((still?.share ?? 0) - 0.5)).toBeLessThan(ERROR.most);
  }),
  90_000,
);

it.concurrent(
  'the tray never goes back and never past the total while messages are lost, doubled and reordered, and is right afterwards',
  filmed(async ({ watch, proxy, page, untilDone, film, truthOf }) => {
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
  }),
  90_000,
);

it.concurrent(
  'the tray stands still 10 s after the last message of a killed worker, and says so',
  filmed(async ({ watch, worker, page, read, film, truthOf }) => {
    const { id } = await watch([{ done: 900, ms: 60_000 }]);
    await eventually(() => expect(truthOf(id).at(-1)?.done).toBeGreaterThan(40), { within: 15_000 });
    await worker.kill();
    const lastMessageAt = Date.parse((await read(id)).updatedAt);
    await eventually(
      async () =>
        expect(await page.locator('inloop-tray [part=remark]').allTextContents()).toEqual([
          expect.stringMatching(/^No sign of the worker for/),
        ]),
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
    // The worker had promised 15 elements a second (900 in 60 s) for 10 s. Half a second is left for what was on its way.
    const done = truthOf(id).at(-1)?.done ?? 0;
    expect((still?.share ?? 1) * TOTAL - done).toBeLessThan(15 * 10.5);
  }),
  90_000,
);
