/** Tests of what the operator's page shows when the right to it is taken away, and when it is back. For `page.test.ts`. */

import { describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { eventually } from '../eventually.ts';
import type { OperatorPages } from './operator-pages.ts';
import type { OperatorWorld } from './operator-world.ts';

/** Registers the tests. @param pages with a mount `rights` of 24 tasks @param world the real router */
export function testRights(pages: OperatorPages, world: OperatorWorld): void {
  describe('an operator whose right to the page is taken away', () => {
    it.each([
      [404, 'allow answers null'],
      ['redirect', 'the session has ended, and the application redirects to a page to sign in'],
      ['sign-in', 'the session has ended, and the application answers with a page to sign in'],
    ] as const)('sees nothing of tasks any more, and goes on when the right is back: %s, %s', async (refusal, _why) => {
      const page = await pages.open('?view=tasks', { mount: 'rights' });
      await page.getByLabel('Select all on this page').check();
      await page.getByRole('button', { name: 'Cancel…' }).click();
      await page.getByText(/^This cancels/).waitFor();
      pages.faults.expect(/the server responded with a status of 404/);
      pages.faults.expectOutage();
      pages.refusal = refusal;
      pages.cutStreams();
      await page.getByRole('heading', { name: 'You may not see this page' }).waitFor();
      await pages.takePicture(`refused-${refusal}`);
      expect(await page.evaluate(() => document.body.innerText)).not.toMatch(
        /Import contacts|user-|send-mail|ada|Live/,
      );
      expect(await page.locator('table, dialog, nav a, main button').count()).toBe(0);
      expect(await page.title()).toBe('Tasks');
      expect(await pages.findBreaches()).toEqual([]);
      const before = pages.calls.length;
      // It asks for the session only, until there is one.
      await becomeVisible(page);
      await eventually(() => expect(pages.calls.length).toBeGreaterThan(before), { within: 20_000 });
      expect(new Set(pages.calls.slice(before))).toEqual(new Set(['GET session']));
      expect(pages.streams.size).toBe(0);
      pages.refusal = null;
      await becomeVisible(page);
      await pages.settle();
      expect(await page.locator('tbody tr').count()).toBe(24);
      await page.getByText('ada may act').waitFor();
    });

    it('loses the buttons at once if it may only look from now on: by the real router', async () => {
      const as = (role: string) => page.setExtraHTTPHeaders({ 'x-role': role });
      const page = await pages.open('', { mount: world.url, extraHTTPHeaders: { 'x-role': 'act' } });
      const pause = page.getByRole('button', { name: 'Pause: pausable' });
      await pause.waitFor();
      pages.faults.expect(/the server responded with a status of 40[34]/);
      await as('view');
      await pause.click();
      await page.getByText('You may look', { exact: true }).waitFor();
      await pages.settle();
      expect(await page.locator('main button, dialog').count()).toBe(0);
      await as('none');
      await becomeVisible(page);
      await page.getByRole('heading', { name: 'You may not see this page' }).waitFor();
      expect(await page.locator('table').count()).toBe(0);
      await as('act');
      await becomeVisible(page);
      await pause.waitFor();
    });
  });
}

/** As if the operator had come back to this tab. */
async function becomeVisible(page: Page): Promise<void> {
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
}
