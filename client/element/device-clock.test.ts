// A device whose clock is hours off, or is set while the page is open, in a real Chromium: times are right all the same, since
// the page goes by the server's clock.
import { expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { eventually } from '../../test/support/eventually.ts';
import { ago, allStatuses, create, run, succeed } from '../test-support/all-statuses.ts';
import { evolve } from '../test-support/snapshots.ts';
import { button, PATIENT, row, says, toasts, useTrayPages } from '../test-support/tray-in-chromium.ts';

const pages = useTrayPages();
const HOUR = 3_600_000;

/** Makes the page's clock wrong by `ms`, before any of its scripts run. */
const shiftClock = (ms: number) => async (page: Page) => {
  await page.addInitScript((shift) => {
    const own = window as unknown as { shift: number };
    own.shift = shift;
    const { now } = Date;
    Date.now = () => now() + own.shift;
    const loadedAt = performance.timeOrigin + shift;
    Object.defineProperty(performance, 'timeOrigin', { get: () => loadedAt });
  }, ms);
};

it.each([
  ['ahead', 3 * HOUR],
  ['behind', -3 * HOUR],
  ['5 min ahead', HOUR / 12],
])('with a clock that is %s, signs of life, waits and ages are right', async (_, ms) => {
  pages.server.now = () => Date.now();
  const paced = run(create(11, 'Import paced.csv', 41), 40);
  const tray = await pages.open([...allStatuses(), paced], { prepare: shiftClock(ms) });
  await button(tray).click();
  await says(row(tray, 'for the board'), /No sign of the worker for (4|5)\d s/);
  await says(row(tray, 'newsletter'), /starts in (8|9|10|11|12) s/);
  await says(row(tray, 'of Berlin'), 'just now');
  await says(row(tray, 'customers.xlsx'), '3 min ago');
  expect(await row(tray, 'rather-long').getAttribute('data-stale')).toBeNull();

  // The device's clock is set right while the page is open.
  await pages.page.evaluate(() => Object.assign(window, { shift: 0 }));
  for (const done of [40, 46])
    await pages.push(
      evolve(paced, { type: 'progress', at: ago(0), attempt: 1, progress: { done, total: 100, rate: 1 } }),
    );
  await says(row(tray, 'paced.csv'), /4\d of 100/);
  await says(row(tray, 'for the board'), /No sign of the worker for (4|5|6)\d s/);
  await pages.push(succeed(paced, 0, null));
  await says(row(tray, 'paced.csv'), 'Done · just now');
});

it('with a clock that is behind, a task that ends now gets a toast and does not count as missed', async () => {
  pages.server.now = () => Date.now();
  const task = run(create(1, 'Import a.csv', 5), 4);
  const tray = await pages.open([task], { prepare: shiftClock(-3 * HOUR) });
  await pages.push(succeed(task, 0, { downloadUrl: '/a.csv' }));
  await eventually(async () => expect(await toasts(pages.page).count()).toBe(1), PATIENT);
  expect(await tray.locator('[part=away]').isVisible()).toBe(false);
});
