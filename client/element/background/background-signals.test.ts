// What the tray tells users who look at something else, in a real Chromium: title and icon of the page, notifications.
import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { countAsked, fakeVisibility, notified, setVisible } from '../../test-support/fake-visibility.ts';
import {
  broken,
  done,
  PATIENT,
  running,
  toasts,
  untilButtonSays,
  useTrayPages,
} from '../../test-support/tray-in-chromium.ts';
import { PATHS } from '../dom/icons.ts';

const pages = useTrayPages();

describe('title and icon', () => {
  it('show progress and outcome while the page is hidden, and leave no trace', async () => {
    const task = running(1);
    const tray = await pages.open([task], { query: 'tray=title-progress favicon-progress', prepare: fakeVisibility });
    const { page } = pages;
    await eventually(async () => expect(await page.title()).toBe('42 % Page'), PATIENT);
    const icon = page.locator('link[rel=icon]');
    const shape = async () => decodeURIComponent((await icon.getAttribute('href')) ?? '');
    expect(await shape()).toContain('stroke-dasharray="42 100"');
    await setVisible(page, false);
    await pages.push(broken(task));
    await eventually(async () => expect(await page.title()).toBe('✕ Page'), PATIENT);
    expect(await shape()).toContain(PATHS.bad);
    await page.evaluate(() => {
      document.title = 'Another';
    });
    await setVisible(page, true);
    await eventually(async () => expect(await page.title()).toBe('✕ Another'), PATIENT);
    await tray.evaluate((host) => host.remove());
    await eventually(async () => expect(await page.title()).toBe('Another'), PATIENT);
    expect(await icon.count()).toBe(0);
  });
});

describe('"Notify me when done"', () => {
  it('asks for permission on the click only, and notifies once, while no tab is looked at', async () => {
    const tasks = [running(1), running(2), running(3)];
    const tray = await pages.open(tasks, { prepare: fakeVisibility });
    const { page } = pages;
    const button = tray.getByRole('button', { name: 'Notify me when done' });
    await tray.locator('[part=button]').click();
    await button.waitFor();
    expect(await page.title()).toBe('Page');
    expect(await page.locator('link[rel=icon]').count()).toBe(0);
    expect(await countAsked(page)).toBe(0);
    await button.click();
    await eventually(async () => expect(await button.getAttribute('aria-pressed')).toBe('true'), PATIENT);
    expect(await countAsked(page)).toBe(1);

    const second = await pages.openTab({ prepare: fakeVisibility });
    await untilButtonSays(second, '3 in progress');
    const all = async () => [...(await notified(page)), ...(await notified(second))];
    await setVisible(page, false);
    await pages.push(done(tasks[0] as Snapshot));
    // The second tab is looked at, so it shows the outcome, and there is no notification.
    await eventually(async () => expect(await toasts(second).count()).toBe(1), PATIENT);
    expect(await all()).toEqual([]);
    await setVisible(second, false);
    await pages.push(broken(tasks[1] as Snapshot));
    await eventually(
      async () => expect(await all()).toEqual(['Failed: Import 2.csv. The file is not a CSV.']),
      PATIENT,
    );
    await pages.push(done(tasks[2] as Snapshot));
    await eventually(async () => expect(await all()).toHaveLength(2), PATIENT);
    expect(await countAsked(page)).toBe(1);
  });
});
