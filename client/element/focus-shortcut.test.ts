// The focus, in a real Chromium: it stays where the user put it, F6 takes it to toasts and tray, Escape gives it back.
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import {
  broken,
  button,
  handInFeed,
  isFocused,
  PATIENT,
  running,
  toasts,
  useTrayPages,
} from '../test-support/tray-in-chromium.ts';

const pages = useTrayPages();
const focusedTag = () => pages.page.evaluate(() => document.activeElement?.tagName);
/** Waits for `count` toasts in real time, unlike `untilToasts`, which moves a stopped clock. */
const untilShown = (count: number) =>
  eventually(async () => expect(await toasts(pages.page).count()).toBe(count), PATIENT);

describe('F6', () => {
  it('reaches toasts and tray, and Escape gives the focus back', async () => {
    const tasks = [running(1), running(2), running(3)];
    await pages.open(tasks);
    const { page } = pages;
    await page.locator('#outside').focus();
    await pages.push(...tasks.map(broken));
    await untilShown(3);
    // Toasts do not take the focus by themselves.
    expect(await isFocused(page, '#outside')).toBe(true);
    await page.keyboard.press('F6');
    expect(await isFocused(page, '[part=toast] button')).toBe(true);
    await page.keyboard.press('Escape');
    await untilShown(2);
    expect(await isFocused(page, '[part=toast]')).toBe(true);
    await page.keyboard.press('F6');
    expect(await isFocused(page, '[part=button]')).toBe(true);
    await page.keyboard.press('Escape');
    await page.locator('#outside').focus();
    await page.keyboard.press('F6');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await untilShown(0);
    expect(await isFocused(page, '#outside')).toBe(true);
  });

  it('and then Escape leave the focus nowhere, if it was nowhere before', async () => {
    await pages.open([running(1)]);
    const { page } = pages;
    for (const isToast of [false, true]) {
      if (isToast) {
        await pages.push(broken(running(1)));
        await untilShown(1);
      }
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
      await page.keyboard.press('F6');
      expect(await focusedTag()).toBe('INLOOP-TRAY');
      await page.keyboard.press('Escape');
      await eventually(async () => expect(await focusedTag()).toBe('BODY'));
    }
  });

  it('reaches a tray that was given its feed before it was in the document, and its toasts', async () => {
    const tray = await pages.open([]);
    const { page } = pages;
    await tray.evaluate((host) => {
      host.remove();
      const before = document.createElement('inloop-tray');
      Object.assign(globalThis, { before });
    });
    const task = running(1);
    const setTasks = await handInFeed(page, [task], 'globalThis.before');
    await page.evaluate(() =>
      document.querySelector('header')?.append((globalThis as never as { before: Element }).before),
    );
    await eventually(async () => expect(await button(tray).innerText()).toContain('1'), PATIENT);
    await page.locator('#outside').focus();
    await page.keyboard.press('F6');
    expect(await isFocused(page, '[part=button]')).toBe(true);
    await page.keyboard.press('Escape');
    await eventually(() => isFocused(page, '#outside'));
    await setTasks([broken(task)]);
    await untilShown(1);
    await page.keyboard.press('F6');
    expect(await isFocused(page, '[part=toast] button')).toBe(true);
    await page.keyboard.press('Escape');
    await untilShown(0);
    expect(await isFocused(page, '#outside')).toBe(true);
  });
});
