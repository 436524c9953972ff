/** For tests in Chromium: the test hides and shows a page, and sees the notifications that the page asks for. */

import type { Page } from 'playwright-core';

/** Runs in the page before its own scripts. The permission is stored, so that all tabs have it. */
const SCRIPT = `
  let visible = 'visible';
  Object.defineProperty(document, 'visibilityState', { get: () => visible });
  Object.defineProperty(document, 'hidden', { get: () => visible === 'hidden' });
  globalThis.setVisible = (isVisible) => {
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

/** Prepares a page: it is visible until `setVisible` hides it, and its notifications are only recorded. */
export const fakeVisibility = async (page: Page) => void (await page.addInitScript({ content: SCRIPT }));

/** Shows the page, or hides it as if the user had turned to another tab. */
export const setVisible = (page: Page, isVisible: boolean) =>
  page.evaluate((is) => (globalThis as never as { setVisible(is: boolean): void }).setVisible(is), isVisible);

/** How often the page has asked whether it may notify. */
export const countAsked = (page: Page) => page.evaluate(() => (globalThis as never as { asked: number }).asked);

/** The titles of the page's notifications so far. */
export const notified = (page: Page) =>
  page.evaluate(() => (globalThis as never as { notified: [string, string][] }).notified.map(([title]) => title));
