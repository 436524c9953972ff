// Opens the page of an example in Chromium. For the tests of the examples.
import type { Browser, Page } from 'playwright-core';
import { BrowserFaults } from '../support/browser/browser-faults.ts';

/** Opens `url` in a context of its own. `faults` has what has gone wrong in it so far. */
export async function openPage(browser: Browser, url: string): Promise<{ page: Page; faults: BrowserFaults }> {
  const context = await browser.newContext();
  const faults = new BrowserFaults();
  await faults.watch(context);
  const page = await context.newPage();
  await page.goto(url);
  return { page, faults };
}

/** Starts a task with the page's button and waits until the tray says that it is done. */
export async function seeDone(page: Page, button: string, title: string): Promise<void> {
  await page.getByRole('button', { name: button }).click();
  await page.getByText(`Done: ${title}`).first().waitFor({ timeout: 20_000 });
}
