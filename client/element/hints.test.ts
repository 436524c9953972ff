// What the tray tells beyond its panel, in a real Chromium: toasts, the page's title and icon, notifications.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import type { Snapshot } from '../../core/snapshot.ts';
import { TrayPages } from '../../test/support/browser/tray-page.ts';
import { eventually } from '../../test/support/eventually.ts';
import { create, fail, run, succeed } from '../test-support/all-statuses.ts';
import { PATHS } from './dom/icons.ts';

const LONG = 120_000;
const within = { within: 20_000 };

const pages = new TrayPages();
beforeAll(() => pages.start(), LONG);
afterAll(() => pages.stop());
afterEach(async () => {
  expect(await pages.close()).toEqual([]);
});

const running = (key: number) => run(create(key, `Import ${key}.csv`, 5), 4, { done: 42, total: 100 });
const done = (task: Snapshot) => succeed(task, 0, null);
const broken = (task: Snapshot) => fail(task, 0, 'The file is not a CSV.');
const toasts = (page: Page = pages.page) => page.locator('[part=toast]');
/** Where the page's clock stands still: what is fetched when it is needed may come after the last time it was moved. */
const countMoving = (wanted: number) =>
  eventually(async () => {
    await pages.page.clock.runFor(20);
    expect(await toasts().count()).toBe(wanted);
  }, within);

const knows = (page: Page, what: string) =>
  eventually(async () => expect(await page.locator('inloop-tray [part=button]').innerText()).toContain(what), within);

/** Lets the test say whether the page is visible, and counts what it asks of the system. */
const SYSTEM = `
  let visible = 'visible';
  Object.defineProperty(document, 'visibilityState', { get: () => visible });
  Object.defineProperty(document, 'hidden', { get: () => visible === 'hidden' });
  globalThis.look = (isVisible) => {
    visible = isVisible ? 'visible' : 'hidden';
    document.dispatchEvent(new Event('visibilitychange'));
  };
  globalThis.asked = 0;
  globalThis.notified = [];
  globalThis.Notification = class {
    static permission = localStorage.getItem('permission') ?? 'default';
    static async requestPermission() {
      globalThis.asked++;
      localStorage.setItem('permission', 'granted');
      return (this.permission = 'granted');
    }
    constructor(title, { tag }) { globalThis.notified.push([title, tag]); }
    close() {}
  };`;
const prepare = async (page: Page) => void (await page.addInitScript({ content: SYSTEM }));
const look = (page: Page, isVisible: boolean) =>
  page.evaluate((is) => (globalThis as never as { look(is: boolean): void }).look(is), isVisible);
const notified = (page: Page) =>
  page.evaluate(() => (globalThis as never as { notified: [string, string][] }).notified.map(([title]) => title));

describe('toasts', () => {
  it(
    'go by themselves, but not under the pointer, with the focus in them, in a hidden tab, or with something to do',
    async () => {
      const [good, bad, linked] = [running(1), running(2), running(3)];
      await pages.open([good, bad, linked], {
        prepare: async (page) => {
          await page.clock.install();
          await prepare(page);
        },
      });
      const { page } = pages;
      await pages.stopClock();
      await pages.push(done(good), broken(bad), succeed(linked, 0, { downloadUrl: '/reports/3.csv' }));
      await countMoving(3);
      await toasts().first().hover();
      await page.clock.runFor(60_000);
      expect(await toasts().count()).toBe(3);
      await toasts().first().getByRole('button', { name: 'Dismiss' }).focus();
      await page.mouse.move(5, 500);
      await page.clock.runFor(60_000);
      expect(await toasts().count()).toBe(3);
      await look(page, false);
      await page.locator('#outside').focus();
      await page.clock.runFor(60_000);
      expect(await toasts().count()).toBe(3);
      await look(page, true);
      await page.clock.runFor(7_000);
      await countMoving(2);
      const kept = (await toasts().allInnerTexts()).join();
      expect(['Failed', 'Retry', 'Download'].filter((word) => !kept.includes(word))).toEqual([]);
      await toasts().first().getByRole('button', { name: 'Dismiss' }).click();
      await countMoving(1);
      await toasts().getByRole('button', { name: 'Dismiss' }).click();
      await countMoving(0);
      await eventually(() => pages.server.look().includes('POST /seen'), within);
    },
    LONG,
  );

  it(
    'are three, and a number for the rest that opens the panel',
    async () => {
      const tasks = [1, 2, 3, 4, 5].map(running);
      const tray = await pages.open(tasks, {
        query: 'tray=toast-duration=Infinity',
        prepare: (page) => page.clock.install(),
      });
      for (const task of tasks) {
        await pages.push(done(task));
        await pages.page.clock.runFor(1_500);
      }
      await countMoving(3);
      expect(await toasts().first().innerText()).toContain('Import 5.csv');
      await pages.page.clock.runFor(600_000);
      await countMoving(3);
      await tray.getByRole('button', { name: '+2' }).click();
      await pages.page.clock.runFor(100);
      await countMoving(0);
      expect(await tray.locator('[part=panel]').isVisible()).toBe(true);
    },
    LONG,
  );

  it(
    'are one summary for fifty outcomes at once',
    async () => {
      const tasks = Array.from({ length: 50 }, (_, index) => running(index + 1));
      const tray = await pages.open(tasks);
      await pages.push(...tasks.map((task, index) => (index % 25 ? done(task) : broken(task))));
      const summary = tray.locator('[part=away]');
      await eventually(async () => expect(await summary.innerText()).toContain('48 tasks done'), within);
      // Failures are not lost in a number.
      expect(await toasts().count()).toBe(2);
    },
    LONG,
  );

  it(
    'are not there with a duration of 0, and a nonsensical one is refused',
    async () => {
      const tray = await pages.open([running(1)], { query: 'tray=toast-duration=0' });
      await pages.push(broken(running(1)));
      await eventually(async () => expect(await tray.locator('[part=button]').innerText()).toContain('1 new'), within);
      expect(await toasts().count()).toBe(0);
      const error = await tray.evaluate((host) => {
        try {
          Object.assign(host, { toastDuration: -1 });
          return '';
        } catch (thrown) {
          return String(thrown);
        }
      });
      expect(error).toContain('toastDuration must be milliseconds, 0 or Infinity, got -1.');
    },
    LONG,
  );

  it(
    'are for one user, not for every tab; and gone everywhere once seen',
    async () => {
      const task = running(1);
      await pages.open([task]);
      const second = await pages.openTab();
      await knows(second, '1 in progress');
      const ended = broken(task);
      await pages.push(ended);
      await eventually(async () => (await toasts().count()) + (await toasts(second).count()) === 1, within);
      await knows(second, '1 new');
      expect((await toasts().count()) + (await toasts(second).count())).toBe(1);
      await pages.pushEvent('task.seen', { ids: [ended.id], seenAt: new Date().toISOString() });
      await eventually(async () => (await toasts().count()) + (await toasts(second).count()) === 0, within);
    },
    LONG,
  );

  it(
    'say nothing of a task before its first second, but its outcome',
    async () => {
      const tray = await pages.open([], { prepare: (page) => page.clock.install() });
      const { page } = pages;
      await tray.locator('[part=button]').click();
      await pages.stopClock();
      const now = await page.evaluate(() => Date.now());
      const age = (Date.now() - now) / 1_000;
      const short = create(1, 'Short', age);
      const long = create(2, 'Long', age);
      await pages.push(short, long);
      await page.clock.runFor(500);
      expect(await tray.locator('[part=task]').count()).toBe(0);
      await pages.push(done(run(short, age)));
      await page.clock.runFor(200);
      expect(await tray.locator('[part=task]').allInnerTexts()).toEqual([expect.stringContaining('Short')]);
      await page.clock.runFor(1_500);
      expect(await tray.locator('[part=task]').allInnerTexts()).toContainEqual(expect.stringContaining('Long'));
    },
    LONG,
  );
});

describe('title and icon', () => {
  it(
    'show progress and outcome while the page is hidden, and leave no trace',
    async () => {
      const task = running(1);
      const tray = await pages.open([task], { query: 'tray=title-progress favicon-progress', prepare });
      const { page } = pages;
      await eventually(async () => expect(await page.title()).toBe('42 % Page'), within);
      const icon = page.locator('link[rel=icon]');
      const shape = async () => decodeURIComponent((await icon.getAttribute('href')) ?? '');
      expect(await shape()).toContain('stroke-dasharray="42 100"');
      await look(page, false);
      await pages.push(broken(task));
      await eventually(async () => expect(await page.title()).toBe('✕ Page'), within);
      expect(await shape()).toContain(PATHS.bad);
      await page.evaluate(() => {
        document.title = 'Another';
      });
      await look(page, true);
      await eventually(async () => expect(await page.title()).toBe('✕ Another'), within);
      await tray.evaluate((host) => host.remove());
      await eventually(async () => expect(await page.title()).toBe('Another'), within);
      expect(await icon.count()).toBe(0);
    },
    LONG,
  );
});

describe('"Notify me when done"', () => {
  it(
    'asks on the click only, and notifies once, where no tab is looked at',
    async () => {
      const tasks = [running(1), running(2), running(3)];
      const tray = await pages.open(tasks, { prepare });
      const { page } = pages;
      const button = tray.getByRole('button', { name: 'Notify me when done' });
      await tray.locator('[part=button]').click();
      await button.waitFor();
      expect(await page.title()).toBe('Page');
      expect(await page.locator('link[rel=icon]').count()).toBe(0);
      const asked = () => page.evaluate(() => (globalThis as never as { asked: number }).asked);
      expect(await asked()).toBe(0);
      await button.click();
      await eventually(async () => expect(await button.getAttribute('aria-pressed')).toBe('true'), within);
      expect(await asked()).toBe(1);

      const second = await pages.openTab({ prepare });
      await knows(second, '3 in progress');
      const all = async () => [...(await notified(page)), ...(await notified(second))];
      await look(page, false);
      await pages.push(done(tasks[0] as Snapshot));
      // The second tab is looked at: it tells.
      await eventually(async () => expect(await toasts(second).count()).toBe(1), within);
      expect(await all()).toEqual([]);
      await look(second, false);
      await pages.push(broken(tasks[1] as Snapshot));
      await eventually(
        async () => expect(await all()).toEqual(['Failed: Import 2.csv. The file is not a CSV.']),
        within,
      );
      await pages.push(done(tasks[2] as Snapshot));
      await eventually(async () => expect(await all()).toHaveLength(2), within);
      expect(await asked()).toBe(1);
    },
    LONG,
  );
});
