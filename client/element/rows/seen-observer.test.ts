// When an outcome counts as seen, in a real Chromium.
import { describe, expect, it } from '@jest/globals';
import type { Locator } from 'playwright-core';
import { eventually } from '../../../test/support/eventually.ts';
import { create, run, succeed } from '../../test-support/all-statuses.ts';
import { button, buttonName, PATIENT, useTrayPages } from '../../test-support/tray-in-chromium.ts';

const pages = useTrayPages();
const outcomes = (count: number) =>
  Array.from({ length: count }, (_, n) => succeed(run(create(n + 1, `Import ${n + 1}.csv`, 900), 800), 700 - n, null));
/** Ids that the page has told the server were seen. */
const seen = () =>
  pages.server.calls.filter(({ path }) => path === '/seen').flatMap(({ body }) => (body as { ids: string[] }).ids);
/** How many rows are in view, at least by half. */
const countInView = (tray: Locator) =>
  tray.locator('[part=body]').evaluate((body) => {
    const frame = body.getBoundingClientRect();
    return [...body.querySelectorAll('[part=task]')].filter((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return bottom > top && Math.min(bottom, frame.bottom) - Math.max(top, frame.top) >= (bottom - top) / 2;
    }).length;
  });

/** Opens with a clock that stands still. It moves by `runFor` only, so no machine is too slow for the 1.5 s. */
async function openStopped(count: number): Promise<Locator> {
  const tray = await pages.open(outcomes(count), { prepare: (page) => page.clock.install() });
  await pages.stopClock();
  return tray;
}

/** Moves the clock, in steps of a frame, until `count` rows are drawn. Then the browser says which of them are in view. */
async function untilRows(tray: Locator, count: number): Promise<void> {
  const rows = tray.locator('[part=task]');
  await eventually(async () => {
    await pages.page.clock.runFor(16);
    expect(await rows.count()).toBe(count);
  }, PATIENT);
  await untilObserved(tray);
}

/** Waits until every observer in the page has been told: the last one to be made is told last. */
const untilObserved = (tray: Locator) =>
  tray.evaluate((host) => new Promise<void>((resolve) => new IntersectionObserver(() => resolve()).observe(host)));

/** Moves the clock, and waits until the server has what the page sent meanwhile. */
async function runFor(ms: number): Promise<void> {
  await pages.page.clock.runFor(ms);
  await pages.page.evaluate(() => fetch('/tasks/connection').then((answer) => answer.text()));
}

const now = () => pages.page.evaluate(() => performance.now());

describe('an outcome', () => {
  it('counts as seen once its own row was in view for 1.5 s, and not before', async () => {
    const tray = await openStopped(31);
    const openedAt = await now();
    await button(tray).click();
    // The outcomes beyond 30 have no row before "Show more".
    await untilRows(tray, 30);
    await runFor(openedAt + 1_499 - (await now()));
    expect(seen()).toEqual([]);
    const inView = await countInView(tray);
    await runFor(1_501);
    // A row may be in view by half for the browser and not for this test.
    await eventually(() => expect(Math.abs(seen().length - inView)).toBeLessThanOrEqual(1), PATIENT);
    expect(seen().length).toBeLessThan(20);
    await tray.locator('[part=body]').evaluate((body) => body.scrollTo(0, body.scrollHeight));
    await untilObserved(tray);
    await runFor(1_501);
    // The newest outcome comes first, and only 30 of 31 have rows, so the last row is that of the second oldest.
    await eventually(() => seen().length > 20 || seen().includes('0000-0002'), PATIENT);
    expect(new Set(seen()).size).toBe(seen().length);
  });

  it('does not count as seen where the panel is closed before', async () => {
    const tray = await openStopped(3);
    await button(tray).click();
    await untilRows(tray, 3);
    expect(await countInView(tray)).toBe(3);
    await pages.page.keyboard.press('Escape');
    await runFor(5_000);
    expect(seen()).toEqual([]);
    expect(await buttonName(tray)).toBe('Tasks, 3 new');
  });

  it('is "New" until the panel closes, also once it counts as seen', async () => {
    const task = run(create(1, 'Import a.csv', 5), 4);
    const tray = await pages.open([task]);
    await eventually(async () => expect(await buttonName(tray)).toBe('Tasks, 1 in progress'));
    await pages.push(succeed(task, 0, null));
    await eventually(async () => expect(await buttonName(tray)).toBe('Tasks, 1 new'));
    pages.server.takeCalls();
    await button(tray).click();
    await eventually(() => pages.server.takeCalls().includes('POST /seen'), { that: 'it to be marked as seen' });
    await eventually(async () => expect(await buttonName(tray)).toBe('Tasks'));
    await eventually(async () => expect(await tray.locator('h3:visible').allInnerTexts()).toEqual(['New']));
    await pages.page.keyboard.press('Escape');
    await button(tray).click();
    await eventually(async () => expect(await tray.locator('h3:visible').allInnerTexts()).toEqual(['Earlier']));
  });
});
