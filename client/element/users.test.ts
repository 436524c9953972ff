// Two tabs of one browser, in Chromium: what is on the screen when somebody signs out, or somebody else signs in.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { TrayPages } from '../../test/support/browser/tray-page.ts';
import { eventually } from '../../test/support/eventually.ts';
import { ago, create, fail, run } from '../test-support/all-statuses.ts';

const BEA = 'private-user-bea';
const pages = new TrayPages();

beforeAll(() => pages.start(), 60_000);
afterAll(() => pages.stop(), 30_000);
afterEach(async () => expect(await pages.close()).toEqual([]));

/** What these tests use of a tray. */
interface WithFeed {
  readonly feed: {
    getSnapshot(): { readonly connection: { readonly status: string } };
    refresh(): Promise<void>;
  };
}

const ofAda = () => [run(create(2, 'Import ada.csv', 20), 15, { done: 10, total: 100 }), create(1, 'Report of ada', 9)];
const ofBea = () => [run(create(4, 'Import bea.csv', 20), 15, { done: 30, total: 100 })];

/** Everything that a person could see or hear in the tab: the tray's texts and labels, and the page's title. */
const saidBy = (page: Page) =>
  page.evaluate(() => {
    const root = document.querySelector('inloop-tray')?.shadowRoot;
    const labels = [...(root?.querySelectorAll('[aria-label]') ?? [])].map((one) => one.getAttribute('aria-label'));
    return [document.title, root?.textContent ?? '', ...labels].join(' | ');
  });

/** Checks each change of the tray for the names of both users at once, from now on. */
const watchForBoth = (page: Page) =>
  page.evaluate(() => {
    const root = document.querySelector('inloop-tray')?.shadowRoot as ShadowRoot;
    const found: string[] = [];
    Object.assign(globalThis, { found });
    new MutationObserver(() => {
      const text = root.textContent ?? '';
      if (/ada/.test(text) && /bea/.test(text)) found.push(text);
    }).observe(root, { subtree: true, childList: true, characterData: true });
  });
/** The texts that `watchForBoth` has found: each had the names of both users. */
const bothIn = (page: Page) => page.evaluate(() => (globalThis as unknown as { found: string[] }).found);

/**
 * Clicks the first button of a row, which the server answers with 401. Does not wait for a button: a tab that has just asked
 * by itself knows already that nobody is signed in, and has no button any more.
 */
const actIn = (page: Page) =>
  page.evaluate(() => {
    const root = document.querySelector('inloop-tray')?.shadowRoot;
    root?.querySelector<HTMLElement>('[part=action]')?.click();
  });

/** Two tabs of Ada's with an open panel, a toast in one of them, and progress in the title. */
async function openTwo(way: string): Promise<[Page, Page]> {
  const [running, queued] = ofAda() as [Snapshot, Snapshot];
  await pages.open([running, queued], { query: 'tray=title-progress' });
  const first = pages.page;
  const second = await pages.openTab({ query: 'tray=title-progress' });
  await eventually(async () => expect(await saidBy(second)).toContain('10 %'), { within: 10_000 });
  await first.bringToFront();
  await pages.push(fail(run(queued, 5), 0, 'No column named ada.'));
  // The toast is in one of them: in the one that the browser says is looked at.
  const told = async () => (await saidBy(first)) + (await saidBy(second));
  await eventually(async () => expect(await told()).toContain('No column named ada.'), { within: 10_000 });
  await second.bringToFront();
  await second.locator('[part=button]').click();
  await eventually(async () => expect(await saidBy(second)).toContain('Import ada.csv'));
  if (way === 'polling') {
    await pages.callPusher('drop');
    const statusIn = (page: Page) =>
      page.evaluate(() => {
        const tray = document.querySelector('inloop-tray') as never as WithFeed;
        return tray.feed.getSnapshot().connection.status;
      });
    for (const page of [first, second])
      await eventually(async () => expect(await statusIn(page)).toBe('polling'), { within: 10_000 });
  }
  for (const page of [first, second]) await watchForBoth(page);
  return [first, second];
}

describe.each(['push', 'polling'])('over %s', (way) => {
  it('signing out in one tab leaves nothing in the other within 2 s', async () => {
    const [first, second] = await openTwo(way);
    pages.server.channel = null;
    const at = Date.now();
    await actIn(second);
    for (const page of [first, second])
      await eventually(async () => expect(await saidBy(page)).not.toMatch(/ada|\d %/), { within: 5_000, every: 20 });
    expect(Date.now() - at).toBeLessThan(2_000);
    expect(await saidBy(second)).toContain('You are signed out');
  }, 60_000);

  it('signing in as another in one tab shows theirs in the other within 2 s, and never both', async () => {
    const [first, second] = await openTwo(way);
    pages.server.channel = BEA;
    pages.server.put(...ofBea());
    // The sign-in page of an application sends the browser on to a page of it.
    await second.reload();
    const at = Date.now();
    await eventually(async () => expect(await saidBy(first)).not.toContain('ada'), { within: 5_000, every: 20 });
    expect(Date.now() - at).toBeLessThan(2_000);
    for (const page of [first, second]) {
      await page.bringToFront();
      await eventually(async () => expect(await saidBy(page)).toContain('30 %'), { within: 10_000 });
    }
    expect(await bothIn(first)).toEqual([]);
  }, 60_000);

  it('leaving for a page without a tray, to sign out there, is enough', async () => {
    const [first, second] = await openTwo(way);
    pages.server.channel = null;
    await second.goto('about:blank');
    const at = Date.now();
    await eventually(async () => expect(await saidBy(first)).not.toMatch(/ada|\d %/), { within: 5_000, every: 20 });
    expect(Date.now() - at).toBeLessThan(2_000);
  }, 60_000);
});

it('signing in again in place makes a tray live that was signed out, without a reload', async () => {
  await pages.open(ofAda());
  const { page } = pages;
  await page.locator('[part=button]').click();
  await page.locator('[part=action]').first().waitFor();
  pages.server.channel = null;
  await actIn(page);
  await eventually(async () => expect(await saidBy(page)).toContain('You are signed out'));
  pages.server.channel = 'private-user-ada';
  const at = Date.now();
  await page.evaluate(() => (document.querySelector('inloop-tray') as never as WithFeed).feed.refresh());
  await eventually(async () => expect(await saidBy(page)).toContain('Import ada.csv'), { every: 20 });
  expect(Date.now() - at).toBeLessThan(2_000);
}, 30_000);

describe('a page whose clock is 10 min off, and is corrected', () => {
  it.each([[600_000], [-600_000]])(
    'by %d ms: the row does not say that a working worker is gone, and does say it of one that died',
    async (shift) => {
      pages.server.now = Date.now;
      const alive = (): Snapshot =>
        ({ ...run(create(1, 'Import ada.csv', 90), 80, { done: 5, total: 10 }), signOfLifeAt: ago(1) }) as never;
      await pages.open([alive()], {
        prepare: async (page) => {
          await page.addInitScript((ms) => {
            const Real = Date;
            const origin = performance.timeOrigin + ms;
            let off = ms;
            Object.assign(globalThis, {
              correct: () => {
                off = 0;
              },
              Date: class extends Real {
                constructor(...of: []) {
                  super(...((of.length ? of : [Real.now() + off]) as []));
                }
                static override now = () => Real.now() + off;
              },
            });
            Object.defineProperty(performance, 'timeOrigin', { get: () => origin });
          }, shift);
        },
      });
      const { page } = pages;
      await page.locator('[part=button]').click();
      const remarks = () => page.locator('[part=remark]').allTextContents();
      await eventually(async () => expect(await saidBy(page)).toMatch(/5.of.10/));
      expect(await remarks()).toEqual([]);
      await page.evaluate(() => (globalThis as never as { correct(): void }).correct());
      await pages.push({ ...alive(), revision: 50, progress: { done: 6, total: 10 } } as Snapshot);
      await eventually(async () => expect(await saidBy(page)).toMatch(/6.of.10/));
      expect(await remarks()).toEqual([]);
      // The last sign of life was 27 s ago: in 3 s it is a warning, and not before.
      const last = Date.now() - 27_000;
      await pages.push({
        ...alive(),
        revision: 51,
        progress: { done: 7, total: 10 },
        signOfLifeAt: new Date(last).toISOString(),
      } as Snapshot);
      await eventually(
        async () => expect(await page.locator('[part=task]').getAttribute('data-tone')).toBe('warning'),
        { within: 10_000 },
      );
      expect(await remarks()).toEqual([expect.stringContaining('No sign of the worker')]);
      expect(Date.now() - last).toBeGreaterThanOrEqual(29_400);
      expect(Date.now() - last).toBeLessThan(35_000);
    },
    60_000,
  );
});
