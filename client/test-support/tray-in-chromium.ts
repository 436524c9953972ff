/** For tests of the tray in a real Chromium: one browser for the file, one page for each test, and what tests look for in it. */

import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, jest } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { TrayPages } from '../../test/support/browser/tray-page.ts';
import { eventually } from '../../test/support/eventually.ts';
import { create, fail, run, succeed } from './all-statuses.ts';

/** How long `eventually` waits for Chromium on a busy machine. */
export const PATIENT = { within: 20_000 };

/** Chromium for the tests of this file. Each test opens one page, which must break no content policy and throw no error. */
export function useTrayPages(): TrayPages {
  // A limit for what hangs; each wait has a shorter one of its own.
  jest.setTimeout(120_000);
  const pages = new TrayPages();
  beforeAll(() => pages.start());
  afterAll(() => pages.stop());
  afterEach(async () => {
    expect(await pages.close()).toEqual([]);
  });
  return pages;
}

export const button = (tray: Locator) => tray.locator('[part=button]');
/** The name of the button for screen readers, with its numbers. */
export const buttonName = (tray: Locator) => button(tray).locator('.sr').textContent();
export const row = (tray: Locator, title: string) => tray.locator('[part=task]', { hasText: title });
export const toasts = (page: Page) => page.locator('[part=toast]');

/** The text that is seen, on one line. */
export const textOf = async (locator: Locator) => (await locator.innerText()).replace(/\s+/g, ' ').trim();

/** Waits until the text of `locator` holds `text`. */
export async function says(locator: Locator, text: string | RegExp): Promise<void> {
  const check = async () =>
    text instanceof RegExp
      ? expect(await textOf(locator)).toMatch(text)
      : expect(await textOf(locator)).toContain(text);
  await eventually(check, { that: `"${text}"` });
}

/** Whether the focus is on an element that `selector` finds, in any shadow tree. */
export const isFocused = (page: Page, selector: string) =>
  page.evaluate((wanted) => {
    let active = document.activeElement;
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    return !!active?.matches(wanted);
  }, selector);

/** Waits until the button of the tray holds `what`: "3 in progress", "1 new". */
export const untilButtonSays = (page: Page, what: string) =>
  eventually(async () => expect(await page.locator('inloop-tray [part=button]').innerText()).toContain(what), PATIENT);

/** Moves the page's stopped clock until there are `count` toasts: code that is loaded on demand takes real time. */
export const untilToasts = (page: Page, count: number) =>
  eventually(async () => {
    await page.clock.runFor(20);
    expect(await toasts(page).count()).toBe(count);
  }, PATIENT);

/** Keeps a picture of the page in the folder `INLOOP_PICTURES`, to look at; without that variable it does nothing. */
export async function takePicture(page: Page, name: string): Promise<void> {
  const folder = process.env.INLOOP_PICTURES;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** Running for 4 s, at 42 of 100. */
export const running = (key: number, title = `Import ${key}.csv`) =>
  run(create(key, title, 5), 4, { done: 42, total: 100 });
/** The task after it has just succeeded. */
export const done = (task: Snapshot) => succeed(task, 0, null);
/** The task after it has just failed for good. */
export const broken = (task: Snapshot) => fail(task, 0, 'The file is not a CSV.');

/** A feed that the page makes itself, in the page. `pageFeed.setTasks` changes its tasks. */
const PAGE_FEED = (tasks: readonly Snapshot[]) => {
  let snapshot = { tasks, connection: { status: 'live' as const }, hasMore: false, channel: 'private-user-ada' };
  const listeners = new Set<() => void>();
  const pageFeed = {
    getSnapshot: () => snapshot,
    get: (id: string) => snapshot.tasks.find((task) => task.id === id),
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    seen() {},
    setTasks(next: readonly Snapshot[]) {
      snapshot = { ...snapshot, tasks: next };
      for (const listener of listeners) listener();
    },
  };
  Object.assign(globalThis, { pageFeed });
};

/**
 * Gives a tray a feed of the page, which holds `tasks`. Returns a function that changes its tasks.
 * @param tray an expression for the tray, evaluated in the page
 */
export async function handInFeed(
  page: Page,
  tasks: readonly Snapshot[],
  tray = "document.querySelector('inloop-tray')",
): Promise<(tasks: readonly Snapshot[]) => Promise<void>> {
  await page.evaluate(PAGE_FEED, tasks);
  await page.evaluate(`${tray}.feed = globalThis.pageFeed; undefined`);
  return (next) =>
    page.evaluate(
      (all) => (globalThis as never as { pageFeed: { setTasks(tasks: unknown): void } }).pageFeed.setTasks(all),
      next,
    );
}
