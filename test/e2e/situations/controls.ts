// Cancel and Retry, pressed in the tray.
import { expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { TrayRow } from '../demo-page.ts';
import type { InWorld } from '../world.ts';

const TITLE = 'Import cancelled.csv';

/** Registers its tests. */
export function testControls(inWorld: InWorld): void {
  it.concurrent(
    'in the tray Cancel and Retry show that they are pending, send one request when clicked twice, and every tab follows',
    inWorld(async (world) => {
      const device = await world.signIn('ada');
      const tabs = [await device.openTab(), await device.openTab()] as const;
      const [first] = tabs;
      const asked: string[] = [];
      first.page.on('request', (request) => {
        const [, verb] = /\/tasks\/[^/]+\/(cancel|retry)$/.exec(request.url()) ?? [];
        if (verb) asked.push(`${request.method()} ${verb}`);
      });
      await first.setSlow(true);
      await first.drop(world.writeCsv('cancelled.csv', { rows: 120 }));
      for (const tab of tabs) {
        await tab.openTray();
        await eventually(async () => expect(await tab.row(TITLE).text()).toMatch(/[1-9]\d* of 120/));
      }

      // The worker is stopped, so that the state before it reacts can be seen.
      const worker = world.freezeWorker();
      await first.row(TITLE).action.dblclick();
      for (const tab of tabs) {
        await eventually(async () => expect(await tab.row(TITLE).text()).toMatch(/Cancelling… · \d+ of 120$/));
      }
      worker.release();
      for (const tab of tabs) {
        await eventually(async () =>
          expect(await tab.row(TITLE).text()).toMatch(/Cancelled · .* of 120 · just now Retry$/),
        );
      }
      expect(asked).toEqual(['POST cancel']);
      const [cancelled] = await device.tasks();
      expect(cancelled?.status).toBe('cancelled');

      // The request is held back until the button shows that it is pending.
      await first.page.route('**/retry', async (route) => {
        await eventually(async () => expect(await first.row(TITLE).action.getAttribute('aria-disabled')).toBe('true'));
        await route.continue();
      });
      await first.row(TITLE).action.dblclick();
      for (const tab of tabs) {
        const rows = tab.tray.locator('[part=task]');
        await eventually(async () => expect(await rows.count()).toBe(2));
        await eventually(async () => expect(await new TrayRow(rows.first()).text()).toMatch(/[1-9]\d* of 120/));
        // A task that was retried has no button any more.
        await eventually(async () =>
          expect(await new TrayRow(rows.last()).text()).toMatch(/^.* Cancelled .* Tried again$/),
        );
      }
      expect(asked).toEqual(['POST cancel', 'POST retry']);
      for (const tab of tabs) {
        await eventually(async () => expect(await tab.row(TITLE).text()).toMatch('Done · 120 imported'), {
          within: 15_000,
        });
      }
      expect(await device.tasks()).toMatchObject([
        { status: 'succeeded', retryOf: cancelled?.id },
        { status: 'cancelled', id: cancelled?.id },
      ]);
    }),
  );

  it.concurrent(
    'in the tray a task that waits is cancelled at once, and never runs',
    inWorld(async (world) => {
      const device = await world.signIn('bea');
      const tab = await device.openTab();
      const worker = world.freezeWorker();
      await tab.drop(world.writeCsv('early.csv', { rows: 5 }));
      await tab.openTray();
      const row = tab.row('Import early.csv');
      await eventually(async () => expect(await row.text()).toMatch('Waiting to start Cancel'));
      await row.action.click();
      await eventually(async () => expect(await row.text()).toMatch('Cancelled · just now Retry'));
      worker.release();

      await tab.drop(world.writeCsv('next.csv', { rows: 6 }));
      await eventually(async () => expect(await tab.row('Import next.csv').text()).toMatch('Done · 6 imported'));
      const states = (await tab.recordOf('Import early.csv')).map(({ status }) => status.split(' · ')[0]);
      expect([...new Set(states)]).toEqual(['Waiting to start', 'Cancelled']);
      await eventually(async () => expect(await tab.total.textContent()).toBe('6'));
    }),
  );
}
