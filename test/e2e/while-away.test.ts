// Outcomes that were reached while nobody looked: told once per user, and seen everywhere once they are seen anywhere.
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import type { DemoPage } from './demo-page.ts';
import { type Device, useWorld } from './world.ts';

const world = useWorld({ IMPORT_ROW_DELAY_MS: '5' });

/** Starts an import and closes the tab before it has ended; resolves when it has. */
async function importAndLeave(device: Device): Promise<void> {
  const tab = await device.openTab();
  const worker = world.freezeWorker();
  await tab.drop(world.writeCsv('long.csv', { rows: 60 }));
  await tab.openTray();
  await eventually(async () => expect(await tab.row('Import long.csv').text()).toMatch('Waiting to start'));
  await tab.page.close();
  worker.release();
  await eventually(async () => expect((await device.tasks())[0]?.status).toBe('succeeded'));
}

/** Lets an import of its own run through in a tab: whatever the tab had to tell about the time before, it has told by then. */
async function importAndStay(tab: DemoPage, rows: number): Promise<void> {
  // Slow enough to be seen going on: an outcome that is all a tab gets to see, right after a return, was missed.
  await tab.setSlow(true);
  await tab.drop(world.writeCsv(`${rows}.csv`, { rows }));
  // Always the same people, so there are as many as the longest file has.
  await eventually(async () => expect(await tab.total.textContent()).toBe(String(rows)));
}

describe('an outcome reached while no tab was open', () => {
  it('is told once on return: not in a second tab, and not after another reload', async () => {
    const device = await world.signIn('ada');
    await importAndLeave(device);

    const first = await device.openTab();
    await first.summary.waitFor();
    expect(await first.summary.innerText()).toMatch(/^While you were away: 1 task done\s/);
    expect(await first.badge.innerText()).toBe('1');

    const second = await device.openTab();
    await importAndStay(second, 150);
    expect((await second.record()).summaries).toEqual([]);
    // Not told is not hidden: the number is on the button.
    await eventually(async () => expect(await second.badge.innerText()).toBe('2'));
    expect((await first.record()).summaries).toEqual(['While you were away: 1 task done']);

    await first.page.reload();
    await importAndStay(first, 160);
    expect((await first.record()).summaries).toEqual([]);
    expect((await second.record()).summaries).toEqual([]);
  }, 60_000);

  it('is shown by the summary’s button, and once seen, no device counts it any more', async () => {
    const laptop = await world.signIn('bea');
    const phone = await world.signIn('bea');
    await importAndLeave(laptop);
    const onLaptop = await laptop.openTab();
    const onPhone = await phone.openTab();
    for (const tab of [onLaptop, onPhone]) {
      await tab.summary.waitFor();
      expect(await tab.badge.innerText()).toBe('1');
    }

    await onPhone.summary.getByRole('button', { name: 'Show' }).click();
    await eventually(async () => expect(await onPhone.row('Import long.csv').text()).toMatch('Done · 60 imported'));
    // It has to be in view for a moment to count as seen.
    for (const tab of [onLaptop, onPhone]) {
      await tab.badge.waitFor({ state: 'hidden' });
      await tab.summary.waitFor({ state: 'hidden' });
    }
    expect((await laptop.tasks())[0]?.seenAt).toEqual(expect.any(String));
    await onLaptop.openTray();
    expect(await onLaptop.row('Import long.csv').text()).toMatch('Done · 60 imported');
  }, 60_000);
});
