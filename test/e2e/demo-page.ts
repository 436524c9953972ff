// The demo's page for end-to-end tests: signing in, dropping files, reading the tray.
import { expect } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import type { InloopTray } from '../../client/element/index.ts';
import type { ConnectionState } from '../../client/feed/state/connection.ts';
import type { ScreenRecord } from './screen-record.ts';

/** One tab with the demo in it. */
export class DemoPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  get tray(): Locator {
    return this.page.locator('inloop-tray');
  }

  /** Opens and closes the panel. */
  get button(): Locator {
    return this.tray.locator('[part=button]');
  }

  /** The line about the connection. */
  get banner(): Locator {
    return this.tray.locator('[part=banner]');
  }

  /** The number on the tray's button. */
  get badge(): Locator {
    return this.tray.locator('[part=count]');
  }

  /** The summary "While you were away". */
  get summary(): Locator {
    return this.tray.locator('[part=away]');
  }

  /** The error that the page shows. */
  get problem(): Locator {
    return this.page.locator('#problem');
  }

  /** The number of contacts that the page shows. */
  get total(): Locator {
    return this.page.locator('#total');
  }

  /** The message of the card "Make trouble". */
  get troubleStatus(): Locator {
    return this.page.locator('#trouble-status');
  }

  async signIn(user: string): Promise<void> {
    await this.page.getByLabel('Your name').fill(user);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.tray.waitFor();
  }

  async openTray(): Promise<void> {
    if ((await this.button.getAttribute('aria-expanded')) !== 'true') await this.button.click();
    await this.tray.locator('[part=panel]').waitFor();
  }

  async closeTray(): Promise<void> {
    await this.tray.locator('[part=close]').click();
  }

  /** The row of the newest task with that title. */
  row(title: string): TrayRow {
    const rows = this.tray.locator('[part=task]').filter({ has: this.page.getByText(title, { exact: true }) });
    return new TrayRow(rows.first());
  }

  /** Drops a file onto the page. */
  async drop(path: string): Promise<void> {
    const zone = this.page.locator('#drop');
    await zone.scrollIntoViewIfNeeded();
    const box = await zone.boundingBox();
    if (!box) throw new Error('There is nowhere to drop a file: nobody is signed in on this page.');
    const session = await this.page.context().newCDPSession(this.page);
    const x = box.x + box.width / 2;
    const y = box.y + box.height / 2;
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      const data = { items: [], files: [path], dragOperationsMask: 1 };
      await session.send('Input.dispatchDragEvent', { type, x, y, data });
    }
    await session.detach();
  }

  /** Chooses a file in the dialog that the page opens. */
  async choose(path: string): Promise<void> {
    const [chooser] = await Promise.all([this.page.waitForEvent('filechooser'), this.page.locator('#drop').click()]);
    await chooser.setFiles(path);
  }

  /** Checks or unchecks "Take it slowly": imports then wait at each row. */
  async setSlow(isSlow: boolean): Promise<void> {
    await this.page.getByLabel('Take it slowly').setChecked(isSlow);
  }

  /** Presses a button of "Make trouble". Resolves when the page says what was done; for sleep, when the tab is awake. */
  async makeTrouble(label: string): Promise<void> {
    const card = this.page.locator('#trouble');
    if ((await card.getAttribute('open')) === null) await card.locator('summary').click();
    const before = await this.troubleStatus.textContent();
    await card.getByRole('button', { name: label }).click({ timeout: 60_000 });
    await this.page.waitForFunction(
      (words) => {
        const now = document.querySelector('#trouble-status')?.textContent;
        return now !== words && now !== 'This tab is asleep.';
      },
      before,
      { timeout: 60_000 },
    );
  }

  /** Ends all trouble that lasts, and wakes sleeping tabs. */
  async endTrouble(): Promise<void> {
    expect(await this.ask('/trouble', { method: 'DELETE' })).toMatchObject({ status: 200 });
  }

  /** The trouble that lasts now. */
  async lastingTrouble(): Promise<{ kind: string; leftMs: number }[]> {
    return JSON.parse((await this.ask('/trouble')).body).lasting;
  }

  /** The connection's status as the page shows it. */
  connection(): Promise<ConnectionState['status'] | undefined> {
    return this.tray.evaluate((tray) => (tray as InloopTray).feed?.getSnapshot().connection.status);
  }

  /** Everything that the page has shown since it was loaded. */
  record(): Promise<ScreenRecord> {
    return this.page.evaluate(() => (globalThis as unknown as { screenRecord: ScreenRecord }).screenRecord);
  }

  /** The texts of the rows of `title` since the page was loaded. */
  async recordOf(title: string): Promise<ScreenRecord['rows']> {
    return (await this.record()).rows.filter((row) => row.title === title);
  }

  /** Sends a request with the page's cookie. The page does not notice. */
  async ask(
    path: string,
    init: { method?: string; form?: Record<string, string> } = {},
  ): Promise<{ status: number; body: string }> {
    const response = await this.page.context().request.fetch(new URL(path, this.page.url()).href, init);
    return { status: response.status(), body: await response.text() };
  }
}

/** One task in the tray. */
export class TrayRow {
  readonly element: Locator;

  constructor(element: Locator) {
    this.element = element;
  }

  /** Its text on one line, as in "Import a.csv Saving · 30 of 100 Cancel"; '' if there is no such row. */
  async text(): Promise<string> {
    // Not `innerText` of a locator, which would wait for the row.
    const [text = ''] = await this.element.allInnerTexts();
    return text.replace(/\s+/g, ' ').trim();
  }

  get action(): Locator {
    return this.element.locator('[part=action]');
  }

  get links(): Locator {
    return this.element.locator('[part=link]');
  }
}
