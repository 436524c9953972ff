// The panel and its button, in a real Chromium.
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { create, run } from '../test-support/all-statuses.ts';
import { button, row, says, takePicture, textOf, useTrayPages } from '../test-support/tray-in-chromium.ts';

const pages = useTrayPages();

describe('the panel', () => {
  it('opens and stays open on a double click', async () => {
    const tray = await pages.open([]);
    await button(tray).dblclick();
    expect(await tray.locator('[part=panel]').isVisible()).toBe(true);
  });

  it('opens and closes by keyboard and by clicks, and gives the focus back', async () => {
    const tray = await pages.open([run(create(1, 'Import a.csv', 5), 4)]);
    await button(tray).focus();
    await pages.page.keyboard.press('Enter');
    await eventually(() => row(tray, 'a.csv').isVisible());
    expect(await button(tray).getAttribute('aria-expanded')).toBe('true');
    await pages.page.keyboard.press('Tab');
    await pages.page.keyboard.press('Tab');
    await pages.page.keyboard.press('Escape');
    await eventually(async () => !(await row(tray, 'a.csv').isVisible()));
    expect(await tray.evaluate((host) => host.shadowRoot?.activeElement?.getAttribute('part'))).toBe('button');
    await button(tray).click();
    await pages.page.locator('#outside').click();
    await eventually(async () => !(await row(tray, 'a.csv').isVisible()));
  });
});

describe('the panel, wherever the button stands', () => {
  it.each(['', 'start', 'dir=rtl', 'dir=rtl&start'])('is within the window (page: "%s")', async (query) => {
    const tray = await pages.open([], { query, width: 700 });
    for (const left of [0, 250, 560]) {
      await tray.evaluate((host, at) => Object.assign(host.style, { position: 'fixed', left: `${at}px` }), left);
      await button(tray).click();
      const box = await tray.locator('[part=panel]').boundingBox();
      expect(box?.x).toBeGreaterThanOrEqual(8);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(692);
      await pages.page.setViewportSize({ width: 390, height: 760 });
      expect(await tray.locator('[part=panel]').boundingBox()).toMatchObject({ x: 8, width: 374 });
      await pages.page.setViewportSize({ width: 700, height: 760 });
      await pages.page.keyboard.press('Escape');
    }
  });
});

describe('the banner', () => {
  it('says in one line that the connection is gone; rows that may be out of date look different', async () => {
    const tray = await pages.open([run(create(1, 'Import a.csv', 5), 4, { done: 10, total: 100 })]);
    await button(tray).click();
    await pages.callPusher('drop');
    await says(tray.locator('[part=banner]'), 'Reconnecting. Updates come a few seconds late.');
    expect(await row(tray, 'a.csv').getAttribute('data-stale')).toBeNull();
    await eventually(() => pages.server.notModified > 0, { that: 'a poll that costs next to nothing' });
    // 0: the server cannot be reached.
    pages.server.failWith = 0;
    await eventually(
      async () =>
        expect(await textOf(tray.locator('[part=banner]'))).toMatch(/No connection. What you see is \d+ s old./),
      {
        within: 12_000,
      },
    );
    await says(row(tray, 'a.csv'), /Last news \d+ s ago/);
    expect(await row(tray, 'a.csv').getAttribute('data-stale')).toBe('');
    const background = await row(tray, 'a.csv')
      .locator('[part=fill]')
      .evaluate((fill) => getComputedStyle(fill).backgroundImage);
    expect(background).toContain('repeating-linear-gradient');
    await takePicture(pages.page, 'offline');
  });
});
