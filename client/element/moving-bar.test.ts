// Bars that move by themselves between two messages, in a real Chromium: as a user sees them, frame by frame.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import type { Progress, Snapshot } from '../../core/tasks/snapshot.ts';
import { TrayPages } from '../../test/support/browser/tray-page.ts';
import { eventually } from '../../test/support/eventually.ts';
import { Pool } from '../../test/support/pool.ts';
import { ago, create, run } from '../test-support/all-statuses.ts';
import { animationsIn, filmBars, last, movedIn, neverGoesBack } from '../test-support/bar-film.ts';
import { fakeVisibility, setVisible } from '../test-support/fake-visibility.ts';
import { evolve } from '../test-support/snapshots.ts';

// A limit for what hangs. Includes the wait for a page.
jest.setTimeout(120_000);

const first = new TrayPages();
/** Tests run at the same time, on as many pages. With more, the machine draws too few frames to see a bar move. */
const PAGES = 3;
const free = new Pool<TrayPages>();

beforeAll(async () => {
  await first.start();
  free.add(first);
  for (let n = 1; n < PAGES; n++) free.add(await first.startMore());
}, 60_000);
afterAll(() => first.stop());

/** The body of a test that has a page to itself. */
const onPage = (test: (bars: ReturnType<typeof filmBars>) => Promise<void>) => () =>
  free.use(async (pages) => {
    try {
      await test(filmBars(pages));
    } finally {
      expect(await pages.close()).toEqual([]);
    }
  });

/** A running task whose last message left `seconds` ago. */
function moving(progress: Progress, seconds = 0): Snapshot {
  const started = evolve(create(1, 'Import', 60), { type: 'start', at: ago(50) });
  return evolve(started, { type: 'progress', at: ago(seconds), attempt: 1, progress });
}

const report = (task: Snapshot, progress: Progress) =>
  evolve(task, { type: 'progress', at: ago(0), attempt: 1, progress });

/** The count in words: "480 of 1,000". */
const countOf = async (tray: Locator) =>
  Number(/([\d,]+)\s+of/.exec(await tray.locator('[part=status]').innerText())?.[1]?.replace(',', ''));

describe('a bar with a rate', () => {
  it.concurrent(
    'moves on every frame, and its count once a second, though no message comes',
    onPage(async ({ open, film }) => {
      const tray = await open(moving({ done: 100, total: 1_000, rate: 50 }));
      const frames = await film(1_500);
      expect(neverGoesBack(frames)).toBe(true);
      // Where the machine is busy, a few frames come at the same time of the animation.
      expect(movedIn(frames)).toBeGreaterThan(0.8);
      expect(last(frames) - (frames[0] as number)).toBeGreaterThan(0.05);
      const before = await countOf(tray);
      await eventually(async () => expect(await countOf(tray)).toBeGreaterThan(before));
    }),
  );

  it.concurrent(
    'stands still 10 s after the last message, looks old, and does not claim that the work goes on',
    onPage(async ({ open, film }) => {
      const tray = await open(moving({ done: 100, total: 1_000, rate: 50 }, 9));
      await eventually(async () => expect(movedIn(await film(500))).toBe(0));
      expect(last(await film(100))).toBeCloseTo(0.6, 2);
      const row = tray.locator('[part=task]');
      await eventually(async () => expect(await row.innerText()).toMatch(/No sign of the worker for \d+ s/));
      expect(await row.getAttribute('data-stale')).toBe('');
      expect(await animationsIn(row)).toBe(0);
    }),
  );

  it.concurrent(
    'stands still where it showed more than was reported, and never goes back',
    onPage(async ({ pages, open, film }) => {
      const task = moving({ done: 100, total: 1_000, rate: 100 });
      await open(task);
      const before = await film(1_000);
      const filming = film(1_500);
      await pages.push(report(task, { done: 110, total: 1_000 }));
      const after = await filming;
      expect(neverGoesBack([...before, ...after])).toBe(true);
      await eventually(async () => expect(movedIn(await film(300))).toBe(0));
    }),
  );

  it.concurrent(
    'does not go back even where it moves half a bar a second, and showed far more than was reported',
    onPage(async ({ pages, open, film }) => {
      const task = moving({ done: 100, total: 1_000, rate: 500 });
      await open(task);
      const filming = film(1_500);
      await pages.push(report(task, { done: 110, total: 1_000, rate: 1 }));
      const frames = await filming;
      expect(neverGoesBack(frames)).toBe(true);
      expect(last(frames)).toBeLessThan(0.99);
    }),
  );

  it.concurrent(
    'stops one element before the total',
    onPage(async ({ open, film }) => {
      const tray = await open(moving({ done: 900, total: 1_000, rate: 60 }));
      const frames = await film(1_800);
      expect(neverGoesBack(frames)).toBe(true);
      // 999 of 1,000 would be 0.999. But no bar is fuller than `FULLEST_BAR`, 0.985, before the outcome.
      expect(last(frames)).toBeCloseTo(0.985, 3);
      await eventually(async () => expect(await countOf(tray)).toBe(999));
      expect(movedIn(await film(300))).toBe(0);
    }),
  );

  it.concurrent(
    'goes back, and says why, where there is more to do than was thought',
    onPage(async ({ pages, open, film }) => {
      const task = moving({ done: 800, total: 1_000, rate: 10 });
      const tray = await open(task);
      // So slow that the bar is still there when a busy machine looks.
      await pages.push(report(task, { done: 810, total: 4_000, rate: 1 }));
      await eventually(async () => expect(last(await film(50))).toBeLessThan(0.22));
      expect(await tray.locator('[part=task]').innerText()).toContain('More was found: 4,000 in all');
      expect(await countOf(tray)).toBeGreaterThanOrEqual(810);
    }),
  );

  it.concurrent(
    'begins at 0 again with another attempt',
    onPage(async ({ pages, open, film }) => {
      const task = moving({ done: 800, total: 1_000, rate: 10 });
      const tray = await open(task);
      const error = { code: 'broken', message: 'It broke.', retryable: true };
      const again = evolve(
        task,
        { type: 'fail', at: ago(0), attempt: 1, error, retryAt: ago(0) },
        { type: 'start', at: ago(0) },
        { type: 'progress', at: ago(0), attempt: 2, progress: { done: 10, total: 1_000, rate: 10 } },
      );
      await pages.push(again);
      await eventually(async () => expect(last(await film(50))).toBeLessThan(0.1));
      expect(await countOf(tray)).toBeLessThan(100);
      expect(movedIn(await film(500))).toBeGreaterThan(0.5);
    }),
  );

  it.concurrent(
    'goes by the server’s clock where that of the device is off by hours',
    onPage(async ({ pages, open, film }) => {
      pages.server.now = Date.now;
      const prepare = async (tab: Page) => {
        await tab.addInitScript(() => {
          const own = performance.timeOrigin;
          Object.defineProperty(performance, 'timeOrigin', { get: () => own - 3 * 3_600_000 });
          const { now } = Date;
          Date.now = () => now() - 3 * 3_600_000;
        });
      };
      const tray = await open(moving({ done: 100, total: 1_000, rate: 50 }, 4), { prepare });
      expect(await countOf(tray)).toBeGreaterThanOrEqual(300);
      expect(movedIn(await film(500))).toBeGreaterThan(0.8);
      await eventually(async () => expect(last(await film(50))).toBeCloseTo(0.6, 3), { within: 10_000 });
      expect(movedIn(await film(500))).toBe(0);
    }),
  );

  it.concurrent(
    'moves in every tab, also in one that gets its messages from another',
    onPage(async ({ pages, open, openTab, film }) => {
      const task = moving({ done: 100, total: 1_000, rate: 20 });
      const tray = await open(task);
      const tab = await openTab();
      await tab.locator('inloop-tray [part=button]').click();
      await tab.locator('inloop-tray [part=fill]').waitFor();
      // A bar moves for 10 s after a message. On a busy machine the second tab takes longer to open.
      const fresh = report(task, { done: 300, total: 1_000, rate: 20 });
      await pages.push(fresh);
      await eventually(async () => expect(last(await film(50))).toBeGreaterThan(0.3));
      expect(movedIn(await film(500))).toBeGreaterThan(0.8);
      await pages.push(report(fresh, { done: 600, total: 1_000, rate: 20 }));
      await eventually(async () => expect(last(await film(50))).toBeGreaterThan(0.6));
      await eventually(async () => expect(await countOf(tray)).toBeGreaterThanOrEqual(600));
    }),
  );

  it.concurrent(
    'jumps ahead when a message says more than it shows, and goes on from there',
    onPage(async ({ pages, open, film }) => {
      const task = moving({ done: 100, total: 1_000, rate: 10 });
      await open(task);
      await pages.push(report(task, { done: 700, total: 1_000, rate: 10 }));
      await eventually(async () => expect(last(await film(50))).toBeGreaterThan(0.7));
      expect(movedIn(await film(500))).toBeGreaterThan(0.5);
    }),
  );

  it.concurrent(
    'is not moved by messages that come twice or in another order',
    onPage(async ({ pages, open, film }) => {
      const task = moving({ done: 100, total: 1_000, rate: 50 });
      const next = report(task, { done: 300, total: 1_000, rate: 50 });
      await open(task);
      await pages.push(next);
      await eventually(async () => expect(last(await film(50))).toBeGreaterThan(0.3));
      const filming = film(1_000);
      await pages.push(task);
      await pages.push(next);
      expect(neverGoesBack(await filming)).toBe(true);
    }),
  );

  it.concurrent(
    'goes in steps if the user wants less motion',
    onPage(async ({ open, film }) => {
      await open(moving({ done: 100, total: 1_000, rate: 50 }), { context: { reducedMotion: 'reduce' } });
      const frames = await film(2_500);
      expect(movedIn(frames)).toBeLessThan(0.1);
      expect(last(frames)).toBeGreaterThan(frames[0] as number);
    }),
  );
});

describe('what moving costs', () => {
  const MANY = 60;
  const many = () =>
    Array.from({ length: MANY }, (_, key) => {
      const started = evolve(create(key, `Import ${key}`, 60), { type: 'start', at: ago(50) });
      const progress = { done: 100, total: 100_000, rate: 5 };
      return evolve(started, { type: 'progress', at: ago(0), attempt: 1, progress });
    });

  it.concurrent(
    'no script for each frame: texts once a second, and for screen readers not more often',
    onPage(async ({ open, watch }) => {
      const tray = await open(moving({ done: 100, total: 1_000, rate: 50 }));
      await countOf(tray);
      const { frames, changes } = await watch(4_000);
      expect(frames).toBeLessThanOrEqual(5);
      expect(changes.filter((name) => name === 'characterData').length).toBeLessThanOrEqual(5);
      for (const name of ['aria-valuenow', 'aria-valuetext']) {
        expect(changes.filter((change) => change === name).length).toBeLessThanOrEqual(4);
      }
      // The animation of the bar goes on; it is not begun again with each text.
      expect(changes.filter((name) => name === 'style').length).toBeLessThanOrEqual(1);
    }),
  );

  it.concurrent(
    'nothing for rows out of view: no text, no animation, and the same after they were scrolled away',
    onPage(async ({ pages, openAll, film }) => {
      let tasks = many();
      const tray = await openAll(tasks);
      await eventually(async () => expect(await tray.locator('[part=fill]').count()).toBe(MANY));
      /** A bar moves for 10 s after a message, and on a busy machine this test takes longer. */
      const refresh = async () => {
        tasks = tasks.map((task) => report(task, { done: 100, total: 100_000, rate: 5 }));
        for (const task of [tasks.at(0), tasks.at(-1)]) await pages.push(task as Snapshot);
      };
      const far = tray.locator('[data-far]');
      const near = tray.locator('.block:not([data-far])');
      await eventually(async () => expect(await far.count()).toBeGreaterThan(1));
      await eventually(async () => expect(await animationsIn(near.first())).toBeGreaterThan(0));
      for (const block of await far.all()) expect(await animationsIn(block)).toBe(0);
      const before = await far.last().innerText();
      await film(1_500);
      expect(await far.last().innerText()).toBe(before);

      const list = tray.locator('[part=body]');
      await refresh();
      await list.evaluate((body) => body.scrollTo({ top: body.scrollHeight, behavior: 'instant' }));
      await eventually(async () => expect(await animationsIn(tray.locator('.block').last())).toBeGreaterThan(0));
      expect(await animationsIn(tray.locator('.block').first())).toBe(0);
      await refresh();
      await list.evaluate((body) => body.scrollTo({ top: 0, behavior: 'instant' }));
      await eventually(async () => expect(await animationsIn(tray.locator('.block').first())).toBeGreaterThan(0));
    }),
  );

  it.concurrent(
    'nothing on a hidden page; the truth is shown when the user comes back',
    onPage(async ({ pages, open, watch }) => {
      const tray = await open(moving({ done: 100, total: 1_000, rate: 50 }), { prepare: fakeVisibility });
      await setVisible(pages.page, false);
      await watch(600);
      expect(await watch(2_500)).toEqual({ frames: 0, changes: [] });
      const before = await countOf(tray);
      await setVisible(pages.page, true);
      await eventually(async () => expect(await countOf(tray)).toBeGreaterThan(before + 100));
    }),
  );
});

it.concurrent(
  'a bar without a rate stands where the last message left it',
  onPage(async ({ open, film }) => {
    await open(run(create(1, 'Import', 60), 50, { done: 100, total: 1_000 }));
    await eventually(async () => expect(last(await film(50))).toBeCloseTo(0.1, 3));
    expect(movedIn(await film(500))).toBe(0);
  }),
);

it.concurrent(
  'the title of the page moves on once a second',
  onPage(async ({ pages, open }) => {
    await open(moving({ done: 100, total: 1_000, rate: 20 }), { query: 'tray=title-progress' });
    const percent = async () => Number.parseInt(await pages.page.title(), 10);
    await eventually(async () => expect(await percent()).toBeGreaterThanOrEqual(10));
    const first = await percent();
    await eventually(async () => expect(await percent()).toBeGreaterThan(first));
  }),
);
