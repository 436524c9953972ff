// The tray for everyone, proved in a real Chromium: axe-core, the keyboard, the live region, modal dialogs, and views
// other than the usual one. INLOOP_PICTURES keeps pictures to look at.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import type { Snapshot } from '../../core/snapshot.ts';
import { type OpenOptions, TrayPages } from '../../test/support/browser/tray-page.ts';
import { eventually } from '../../test/support/eventually.ts';
import { allStatuses, create, fail, run, succeed } from '../test-support/all-statuses.ts';
import { evolve } from '../test-support/snapshots.ts';

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const LONG = 120_000;

const pages = new TrayPages();
beforeAll(() => pages.start(), LONG);
afterAll(() => pages.stop());
afterEach(async () => {
  expect(await pages.close()).toEqual([]);
});

const within = { within: 20_000 };
const running = (key: number, title = `Import ${key}.csv`) => run(create(key, title, 5), 4, { done: 1, total: 100 });
const broken = (task: Snapshot) => fail(task, 0, 'The file is not a CSV.');
const toasts = () => pages.page.locator('[part=toast]');
const isFocused = (selector: string) =>
  pages.page.evaluate((wanted) => {
    let active = document.activeElement;
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    return !!active?.matches(wanted);
  }, selector);

async function picture(name: string): Promise<void> {
  const folder = process.env.INLOOP_PICTURES;
  if (folder) await pages.page.screenshot({ path: join(folder, `${name}.png`) });
}

/** Opens with axe-core in the page: before its scripts, where its CSP does not apply. */
const openWithAxe = (tasks: readonly Snapshot[], options: OpenOptions = {}) =>
  pages.open(tasks, { ...options, prepare: async (page) => void (await page.addInitScript({ content: axe.source })) });

/** Waits until what rises or fades in stands still: while it is half transparent, its contrast is not what is read. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const trees = [document, ...Array.from(document.querySelectorAll('*'), ({ shadowRoot }) => shadowRoot)];
    const moving = trees.flatMap((tree) => tree?.getAnimations() ?? []);
    // Some turn for ever, as what says that work goes on.
    const passing = moving.filter(({ effect }) => effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
    await Promise.all(passing.map(({ finished }) => finished.catch(() => undefined)));
  });
}

async function findBreaches(page: Page): Promise<unknown[]> {
  await settle(page);
  const { violations } = await page.evaluate(
    (values) => (globalThis as never as { axe: typeof axe }).axe.run(document, { runOnly: { type: 'tag', values } }),
    WCAG,
  );
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

describe('WCAG 2.2 AA, by axe-core', () => {
  it.each(['light', 'dark'])(
    'holds in every status, in the panel and in toasts: %s',
    async (scheme) => {
      const all = allStatuses();
      const later = [running(20), running(21)];
      const tray = await openWithAxe([...all, ...later], { query: `scheme=${scheme}`, height: 1_400 });
      await pages.page.locator('[part=away]').waitFor();
      expect(await findBreaches(pages.page)).toEqual([]);
      await tray.locator('[part=button]').click();
      await eventually(async () => expect(await tray.locator('[part=task]').count()).toBe(12), within);
      expect(await findBreaches(pages.page)).toEqual([]);
      await picture(`all-${scheme}`);
      await tray.locator('.body').evaluate((body) => body.scrollTo(0, 9_999));
      expect(await findBreaches(pages.page)).toEqual([]);
      await pages.page.keyboard.press('Escape');
      await pages.push(broken(later[0] as Snapshot), succeed(later[1] as Snapshot, 0, { imported: 7, fileUrl: '/7' }));
      await eventually(async () => expect(await toasts().count()).toBe(2), within);
      expect(await findBreaches(pages.page)).toEqual([]);
      await picture(`toasts-${scheme}`);
    },
    LONG,
  );
});

describe('the live region', () => {
  it(
    'says little in a minute of a thousand reports, and the outcome once',
    async () => {
      const tray = await pages.open([], { prepare: (page) => page.clock.install() });
      const { page } = pages;
      const live = tray.locator('[role=status]');
      expect([await live.getAttribute('aria-live'), await live.count(), await live.innerText()]).toEqual([
        'polite',
        1,
        '',
      ]);
      await tray.locator('[part=button]').click();
      const time = await page.evaluate(() => Date.now());
      const stamp = (seconds: number) => new Date(time + seconds * 1_000).toISOString();
      let task = run(create(1, 'Import a.csv', (Date.now() - time) / 1_000 + 5), (Date.now() - time) / 1_000 + 4, {
        done: 0,
        total: 1_021,
      });
      await pages.push(task);
      await page.clock.runFor(1_500);
      await tray.evaluate((host) => {
        const said: string[] = [];
        const writes: number[] = [];
        Object.assign(globalThis, { said, writes });
        const region = host.shadowRoot?.querySelector('[role=status]') as Element;
        new MutationObserver(() => said.push(region.textContent ?? '')).observe(region, { childList: true });
        const bar = host.shadowRoot?.querySelector('[role=progressbar]') as Element;
        new MutationObserver((all) => {
          if (all.some(({ attributeName }) => attributeName?.startsWith('aria'))) writes.push(Date.now());
        }).observe(bar, { attributes: true });
      });
      for (let second = 0; second < 60; second++) {
        const reports: Snapshot[] = [];
        for (let part = 0; part < 17; part++) {
          const progress = { done: second * 17 + part + 1, total: 1_021 };
          task = evolve(task, { type: 'progress', at: stamp(second + part / 17), attempt: 1, progress });
          reports.push(task);
        }
        await pages.push(...reports.slice(0, 8));
        await page.clock.runFor(500);
        await pages.push(...reports.slice(8));
        await page.clock.runFor(500);
      }
      await pages.push(succeed(task, (Date.now() - time) / 1_000 - 60, null));
      await page.clock.runFor(3_000);
      const { said, writes } = await page.evaluate(() => {
        const { said, writes } = globalThis as unknown as { said: string[]; writes: number[] };
        return { said, writes };
      });
      expect(said.filter((text) => text.includes('Done: Import a.csv'))).toHaveLength(1);
      expect(said.length).toBeLessThanOrEqual(4);
      expect(writes.length).toBeGreaterThan(20);
      for (const [index, at] of writes.entries())
        expect((writes[index + 2] ?? at + 1_000) - at).toBeGreaterThanOrEqual(990);
    },
    LONG,
  );
});

describe('bars', () => {
  it(
    'have a name, and no value where none is known',
    async () => {
      const tray = await pages.open([running(1), run(create(2, 'Report', 5), 4)]);
      await tray.locator('[part=button]').click();
      await pages.page.getByRole('progressbar', { name: 'Import 1.csv' }).waitFor();
      const unknown = pages.page.getByRole('progressbar', { name: 'Report' });
      await unknown.waitFor();
      expect(await unknown.getAttribute('aria-valuenow')).toBeNull();
    },
    LONG,
  );
});

describe('the focus', () => {
  it(
    'stays where it is whatever happens; F6 reaches toasts and tray, Escape gives it back',
    async () => {
      const tasks = [running(1), running(2), running(3)];
      await pages.open(tasks);
      const { page } = pages;
      await page.locator('#outside').focus();
      await pages.push(broken(tasks[0] as Snapshot), broken(tasks[1] as Snapshot), broken(tasks[2] as Snapshot));
      await eventually(async () => expect(await toasts().count()).toBe(3), within);
      expect(await isFocused('#outside')).toBe(true);
      await page.keyboard.press('F6');
      expect(await isFocused('[part=toast] button')).toBe(true);
      await page.keyboard.press('Escape');
      await eventually(async () => expect(await toasts().count()).toBe(2), within);
      expect(await isFocused('[part=toast]')).toBe(true);
      await page.keyboard.press('F6');
      expect(await isFocused('[part=button]')).toBe(true);
      await page.keyboard.press('Escape');
      await page.locator('#outside').focus();
      await page.keyboard.press('F6');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await eventually(async () => expect(await toasts().count()).toBe(0), within);
      expect(await isFocused('#outside')).toBe(true);
    },
    LONG,
  );

  it(
    "is nobody's again after F6 and Escape, where it was nobody's before",
    async () => {
      await pages.open([running(1)]);
      const { page } = pages;
      for (const isToast of [false, true]) {
        if (isToast) {
          await pages.push(broken(running(1)));
          await eventually(async () => expect(await toasts().count()).toBe(1), within);
        }
        await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
        await page.keyboard.press('F6');
        expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('INLOOP-TRAY');
        await page.keyboard.press('Escape');
        await eventually(async () => expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('BODY'));
      }
    },
    LONG,
  );

  it(
    'goes to the neighbour of a row that is gone, and to the button when all are',
    async () => {
      const tasks = [running(3), running(2), running(1)];
      const tray = await pages.open([]);
      await tray.evaluate((host, all) => {
        let snapshot = { tasks: all, connection: { status: 'live' as const }, hasMore: false };
        let listener = () => {};
        const feed = {
          getSnapshot: () => snapshot,
          get: (id: string) => snapshot.tasks.find((task) => task.id === id),
          subscribe: (next: () => void) => {
            listener = next;
            return () => {};
          },
        };
        Object.assign(host, { feed });
        Object.assign(globalThis, {
          keep: (count: number) => {
            snapshot = { ...snapshot, tasks: all.slice(0, count) };
            listener();
          },
        });
      }, tasks as Snapshot[]);
      const { page } = pages;
      await tray.locator('[part=button]').click();
      const rows = tray.locator('[part=task]');
      await eventually(async () => expect(await rows.count()).toBe(3), within);
      await rows.last().getByRole('button').focus();
      const keep = (count: number) =>
        page.evaluate((many) => (globalThis as never as { keep(count: number): void }).keep(many), count);
      await keep(2);
      await eventually(async () => expect(await rows.count()).toBe(2), within);
      expect(await rows.last().evaluate((row) => (row.getRootNode() as ShadowRoot).activeElement === row)).toBe(true);
      await keep(0);
      await eventually(() => isFocused('[part=button]'), within);
    },
    LONG,
  );
});

describe('a modal dialog', () => {
  it(
    'does not put toasts and live region out of reach',
    async () => {
      const tasks = [running(1), running(2)];
      const tray = await pages.open(tasks, { query: 'scheme=dark' });
      const { page } = pages;
      await page.evaluate(() => document.querySelector('dialog')?.showModal());
      await pages.push(broken(tasks[0] as Snapshot));
      await eventually(async () => expect(await page.locator('dialog [part=toast]').count()).toBe(1), within);
      await eventually(
        async () => expect(await page.locator('dialog [role=status]').innerText()).toContain('Failed: Import 1.csv'),
        within,
      );
      await picture('modal');
      // Pressed for real: an inert one would let the click through to the backdrop.
      await page.locator('dialog [part=toast-dismiss]').click();
      await eventually(async () => expect(await toasts().count()).toBe(0), within);
      await pages.push(broken(tasks[1] as Snapshot));
      await eventually(async () => expect(await page.locator('dialog [part=toast]').count()).toBe(1), within);
      await page.locator('#inside').click();
      await eventually(async () => expect(await page.locator('dialog [part=toast]').count()).toBe(0), within);
      expect(await tray.locator('[part=toast]').isVisible()).toBe(true);
      expect(await tray.locator('[role=status]').count()).toBe(1);
    },
    LONG,
  );
});

describe('other views', () => {
  it(
    'stand still where less motion is wished for',
    async () => {
      const tray = await pages.open(allStatuses(), { context: { reducedMotion: 'reduce' } });
      await tray.locator('[part=button]').click();
      await tray.locator('[part=task]').first().waitFor();
      expect(await pages.page.evaluate(() => document.getAnimations().length)).toBe(0);
    },
    LONG,
  );

  it(
    'keep their shapes in forced colours',
    async () => {
      const task = running(30);
      const tray = await openWithAxe([...allStatuses(), task], { context: { forcedColors: 'active' }, height: 1_100 });
      await tray.locator('[part=button]').click();
      const fill = tray.locator('[part=task]', { hasText: 'Import 30.csv' }).locator('.fill');
      await fill.waitFor();
      const [bar, page] = await fill.evaluate((node) => [
        getComputedStyle(node).backgroundColor,
        getComputedStyle(node.closest('section') as Element).backgroundColor,
      ]);
      expect(bar).not.toBe(page);
      const colours = await tray.locator('[part=task]').evaluateAll((rows) =>
        rows.flatMap((row) => {
          const parts = [row.querySelector('svg'), row.querySelector('[part=fill]')].filter((part) => part !== null);
          return parts.map((part) => getComputedStyle(part)[part.matches('svg') ? 'color' : 'backgroundColor']);
        }),
      );
      expect(new Set(colours)).toEqual(new Set([bar]));
      expect(await findBreaches(pages.page)).toEqual([]);
      await picture('forced-colours');
    },
    LONG,
  );

  it(
    'fit on 320 pixels, with text at 200 % too',
    async () => {
      for (const text of ['100%', '200%']) {
        const tasks = [running(31), running(32, 'Import a-rather-long-file-name-that-somebody-exported.csv')];
        const tray = await pages.open([...allStatuses(), ...tasks], { query: `text=${text}`, width: 320, height: 640 });
        await tray.locator('[part=button]').click();
        await tray.locator('[part=task]').first().waitFor();
        const fits = (selector: string) =>
          tray.locator(selector).evaluate((node) => {
            const { left, right } = node.getBoundingClientRect();
            return [left >= 0, right <= 320, node.scrollWidth <= node.clientWidth + 1];
          });
        expect(await fits('.body')).toEqual([true, true, true]);
        await picture(`narrow-${text}`);
        await pages.page.keyboard.press('Escape');
        await pages.push(...tasks.map(broken));
        await eventually(async () => expect(await toasts().count()).toBe(2), within);
        expect(await fits('[part=toasts]')).toEqual([true, true, true]);
        await picture(`narrow-toasts-${text}`);
        if (text === '100%') expect(await pages.close()).toEqual([]);
      }
    },
    LONG,
  );
});
