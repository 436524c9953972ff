// The tray for everyone, in a real Chromium: WCAG by axe-core, forced colours, less motion, 320 pixels.
import { describe, expect, it } from '@jest/globals';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { OpenOptions } from '../../test/support/browser/tray-page.ts';
import { eventually } from '../../test/support/eventually.ts';
import { allStatuses, succeed } from '../test-support/all-statuses.ts';
import { broken, PATIENT, running, takePicture, toasts, useTrayPages } from '../test-support/tray-in-chromium.ts';

const pages = useTrayPages();

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Opens a page with axe-core in it. Playwright adds it before the scripts of the page, where the CSP of the page does not apply. */
const openWithAxe = (tasks: readonly Snapshot[], options: OpenOptions = {}) =>
  pages.open(tasks, { ...options, prepare: async (page) => void (await page.addInitScript({ content: axe.source })) });

/** Waits until what rises or fades in stands still: axe-core would measure a wrong contrast while it is half transparent. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const trees = [document, ...Array.from(document.querySelectorAll('*'), ({ shadowRoot }) => shadowRoot)];
    const moving = trees.flatMap((tree) => tree?.getAnimations() ?? []);
    // Some animations never end, as those that say that work goes on.
    const passing = moving.filter(({ effect }) => effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
    await Promise.all(passing.map(({ finished }) => finished.catch(() => undefined)));
  });
}

/** The WCAG rules that the page breaks, each with the elements that break it. */
async function findBreaches(page: Page): Promise<unknown[]> {
  await settle(page);
  const { violations } = await page.evaluate(
    (values) => (globalThis as never as { axe: typeof axe }).axe.run(document, { runOnly: { type: 'tag', values } }),
    WCAG,
  );
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

describe('WCAG 2.2 AA, by axe-core', () => {
  it.each(['light', 'dark'])('holds in every status, in the panel and in toasts: %s', async (scheme) => {
    const all = allStatuses();
    const later = [running(20), running(21)];
    const tray = await openWithAxe([...all, ...later], { query: `scheme=${scheme}`, height: 1_400 });
    await pages.page.locator('[part=away]').waitFor();
    expect(await findBreaches(pages.page)).toEqual([]);
    await tray.locator('[part=button]').click();
    await eventually(
      async () => expect(await tray.locator('[part=task]').count()).toBe(all.length + later.length),
      PATIENT,
    );
    expect(await findBreaches(pages.page)).toEqual([]);
    await takePicture(pages.page, `all-${scheme}`);
    await tray.locator('.body').evaluate((body) => body.scrollTo(0, 9_999));
    expect(await findBreaches(pages.page)).toEqual([]);
    await pages.page.keyboard.press('Escape');
    await pages.push(broken(later[0] as Snapshot), succeed(later[1] as Snapshot, 0, { imported: 7, fileUrl: '/7' }));
    await eventually(async () => expect(await toasts(pages.page).count()).toBe(2), PATIENT);
    expect(await findBreaches(pages.page)).toEqual([]);
    await takePicture(pages.page, `toasts-${scheme}`);
  });
});

describe('the tray', () => {
  it('stands still where the user wants less motion', async () => {
    const tray = await pages.open(allStatuses(), { context: { reducedMotion: 'reduce' } });
    await tray.locator('[part=button]').click();
    await tray.locator('[part=task]').first().waitFor();
    expect(await pages.page.evaluate(() => document.getAnimations().length)).toBe(0);
  });

  it('keeps its shapes in forced colours', async () => {
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
        return parts.map((part) => {
          const { color, backgroundColor, backgroundImage } = getComputedStyle(part);
          if (part.matches('svg')) return color;
          // A row without news has stripes of that colour.
          return row.hasAttribute('data-stale') ? /rgb\([^)]*\)/.exec(backgroundImage)?.[0] : backgroundColor;
        });
      }),
    );
    expect(new Set(colours)).toEqual(new Set([bar]));
    expect(await findBreaches(pages.page)).toEqual([]);
    await takePicture(pages.page, 'forced-colours');
  });

  it('fits on 320 pixels, with text at 200 % too', async () => {
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
      await takePicture(pages.page, `narrow-${text}`);
      await pages.page.keyboard.press('Escape');
      await pages.push(...tasks.map(broken));
      await eventually(async () => expect(await toasts(pages.page).count()).toBe(2), PATIENT);
      expect(await fits('[part=toasts]')).toEqual([true, true, true]);
      await takePicture(pages.page, `narrow-toasts-${text}`);
      // One page is open at a time. After the test, `useTrayPages` closes the last one.
      if (text === '100%') expect(await pages.close()).toEqual([]);
    }
  });
});
