/**
 * Tests of what an operator does in an incident: on a phone, with the keyboard alone, in front of the real router, workers and
 * Redis. For `page.test.ts`.
 */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { eventually } from '../eventually.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../processes/script-process.ts';
import type { OperatorPages } from './operator-pages.ts';
import { blocker, deaf } from './operator-tasks.ts';
import type { OperatorWorld } from './operator-world.ts';

/** Options of `eventually`: workers and live streams take some seconds on a busy machine. */
const PATIENT = { within: 20_000 };
const OWNER = 'ada@example.com';

/** Registers the tests. @param world the real router */
export function testIncidents(pages: OperatorPages, world: OperatorWorld): void {
  describe('an operator in an incident, on a phone and with the keyboard alone', () => {
    let bundle: Bundle;
    let worker: ScriptProcess;
    beforeAll(async () => {
      bundle = await bundleScript('test/support/operator/operator-worker.ts');
      worker = await startScript(bundle, world.env, 'ready');
    });
    afterAll(async () => {
      await worker?.kill();
      bundle?.remove();
    });

    const open = () =>
      pages.open('', {
        mount: world.url,
        extraHTTPHeaders: { 'x-role': 'act' },
        viewport: { width: 400, height: 850 },
      });

    it('finds what waits when the line grows, and the task of a user who complains', async () => {
      const page = await open();
      const running = await world.tasks.start(deaf, {}, { owner: OWNER });
      await world.reaches(running.id, 'running', OWNER);
      await Promise.all(Array.from({ length: 30 }, (_, n) => world.tasks.start(deaf, {}, { owner: `user-${n}` })));
      await eventually(() => isShown(page, 'Waiting: 30'), PATIENT);
      await pressUntil(page, 'Waiting: 30', 12);
      await page.keyboard.press('Enter');
      await page.getByText('Newest first').waitFor();
      await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(30), PATIENT);
      // By touch, too: nothing may cover it.
      const selectPage = page.getByLabel('Select all on this page');
      await selectPage.check();
      await page.getByText('30 tasks selected').waitFor();
      await selectPage.uncheck();
      await page.locator('#main').focus();

      await pressUntil(page, 'Owner', 4);
      await page.keyboard.type(OWNER);
      await pressUntil(page, 'Status', 12, 'Shift+Tab');
      await page.keyboard.press('Home');
      await pressUntil(page, 'Filter', 8);
      await page.keyboard.press('Enter');
      await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(1), PATIENT);
      await pressUntil(page, 'Import contacts.csv', 14);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Import contacts.csv' }).waitFor();
      await pressUntil(page, 'Cancel: Import contacts.csv', 3);
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Cancel 1 task' }).waitFor();
      await page.keyboard.press('Enter');
      await page.locator('.story div', { hasText: 'Told to stop' }).waitFor();
      await pages.takePicture('incident-task');
    });

    it('sees at once that the bus is down or that a worker is blocked or dead, and gets to the details with few key presses', async () => {
      const page = await open();
      world.bus.isDown = true;
      await world.start({}, OWNER);
      await eventually(() => isShown(page, 'Bus: Away'), PATIENT);
      await pressUntil(page, 'Bus: Away', 16);
      await page.keyboard.press('Enter');
      expect(await focused(page)).toContain('Does not answer, began');
      expect(await isInView(page)).toBe(true);
      world.bus.isDown = false;

      const heavy = await world.tasks.start(blocker, {}, { owner: OWNER });
      await page.getByText(/^Blocked for/).waitFor();
      // This key stops the sweepers of all processes, so the task of the dead worker stays as it is.
      await world.raw.set('inloop:lease:sweep', 'nobody', { PX: 60_000 });
      await worker.kill();
      await eventually(() => isShown(page, 'Workers alive: 1 of 2'), PATIENT);
      await pages.goto('', world.url);
      await pressUntil(page, 'Workers alive: 1 of 2', 16);
      await page.keyboard.press('Enter');
      expect(await focused(page)).toContain('Gone. Its tasks start again elsewhere');
      expect(await isInView(page)).toBe(true);
      await pages.takePicture('incident-overview');
      await pages.goto('', world.url);
      await pressUntil(page, /^Stuck: /, 16);
      await page.keyboard.press('Enter');
      await page.getByText('Its worker is gone, or has given no sign of life for 30 s').first().waitFor();
      expect(await page.locator('tbody a', { hasText: heavy.id.slice(-8) }).count()).toBe(1);
      expect(await pages.findBreaches()).toEqual([]);
      await pages.takePicture('incident-stuck');
      await world.raw.del('inloop:lease:sweep');
    });
  });
}

/** The name of what has the focus, or its text. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement ?? document.body;
    const label = (element as HTMLInputElement).labels?.[0];
    return element.ariaLabel ?? label?.firstElementChild?.textContent ?? element.textContent ?? '';
  });
}

/** Presses `key` until the focus is on what has this name. Fails after `most` presses: then it is too far away. */
async function pressUntil(page: Page, name: string | RegExp, most: number, key = 'Tab'): Promise<void> {
  const isThere = async () => {
    const now = await focused(page);
    return typeof name === 'string' ? now === name : name.test(now);
  };
  for (let presses = 0; presses <= most; presses++) {
    if (await isThere()) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${most} times ${key} does not lead to ${name}; the focus is on "${await focused(page)}".`);
}

const isShown = (page: Page, label: string) => page.locator(`[aria-label="${label}"]`).isVisible();

/** Whether the beginning of what has the focus is on the screen, below the bar that stays at its top. */
function isInView(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const { top } = (document.activeElement as HTMLElement).getBoundingClientRect();
    const bar = (document.querySelector('.bar') as HTMLElement).getBoundingClientRect();
    return top >= bar.bottom && top < innerHeight;
  });
}
