// Cancel and Retry, pressed in the tray.
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { TrayRow } from './demo-page.ts';
import { useWorld } from './world.ts';

const world = useWorld({ IMPORT_ROW_DELAY_MS: '30' });
const TITLE = 'Import cancelled.csv';

describe('in the tray', () => {
  it('Cancel and Retry show that they are at it, ask once when clicked twice, and every tab follows', async () => {
    const device = await world.signIn('ada');
    const tabs = [await device.openTab(), await device.openTab()] as const;
    const [first] = tabs;
    const asked: string[] = [];
    first.page.on('request', (request) => {
      const [, verb] = /\/tasks\/[^/]+\/(cancel|retry)$/.exec(request.url()) ?? [];
      if (verb) asked.push(`${request.method()} ${verb}`);
    });
    await first.setSlow(true);
    await first.drop(world.writeCsv('cancelled.csv', { rows: 150 }));
    for (const tab of tabs) {
      await tab.openTray();
      await eventually(async () => expect(await tab.row(TITLE).text()).toMatch(/[1-9]\d* of 150/));
    }

    await first.row(TITLE).action.dblclick();
    for (const tab of tabs) {
      await eventually(async () =>
        expect(await tab.row(TITLE).text()).toMatch(/Cancelled · .* of 150 · just now Retry$/),
      );
    }
    expect(asked).toEqual(['POST cancel']);
    const pressed = (await first.recordOf(TITLE)).filter(({ action }) => action === 'Cancelling…');
    expect(pressed).toContainEqual(expect.objectContaining({ isBusy: true }));
    const [cancelled] = await device.tasks();
    // Within a second of being asked: the handler stopped, it was not cut off.
    expect(cancelled?.status).toBe('cancelled');

    await first.row(TITLE).action.dblclick();
    for (const tab of tabs) {
      const rows = tab.tray.locator('[part=task]');
      await eventually(async () => expect(await rows.count()).toBe(2));
      await eventually(async () => expect(await new TrayRow(rows.first()).text()).toMatch(/[1-9]\d* of 150/));
      // What was done again has nothing more to press.
      await eventually(async () =>
        expect(await new TrayRow(rows.last()).text()).toMatch(/^.* Cancelled .* Tried again$/),
      );
    }
    expect(asked).toEqual(['POST cancel', 'POST retry']);
    expect(await first.recordOf(TITLE)).toContainEqual(expect.objectContaining({ action: 'Retry', isBusy: true }));
    for (const tab of tabs) {
      await eventually(async () => expect(await tab.row(TITLE).text()).toMatch('Done · 150 imported'), {
        within: 15_000,
      });
    }
    expect(await device.tasks()).toMatchObject([
      { status: 'succeeded', retryOf: cancelled?.id },
      { status: 'cancelled', id: cancelled?.id },
    ]);
    // What it says of the other tab: the state itself, not only its own click.
    expect((await tabs[1].recordOf(TITLE)).map(({ status }) => status.split(' · ')[0])).toEqual(
      expect.arrayContaining(['Cancelled', 'Done']),
    );
  }, 60_000);

  it('a task that waits is cancelled at once', async () => {
    const device = await world.signIn('bea');
    const tab = await device.openTab();
    await tab.setSlow(true);
    // As many as the worker runs at once, and one more.
    for (const name of ['1.csv', '2.csv', '3.csv', '4.csv', '5.csv']) {
      await tab.drop(world.writeCsv(name, { rows: 100 }));
      await eventually(async () => expect((await device.tasks())[0]?.title).toBe(`Import ${name}`));
    }
    await tab.openTray();
    await eventually(async () => expect(await tab.row('Import 5.csv').text()).toMatch('Waiting to start Cancel'));
    await tab.row('Import 5.csv').action.click();
    await eventually(async () => expect(await tab.row('Import 5.csv').text()).toMatch('Cancelled · just now'), {
      within: 2_000,
    });
    const states = (await tab.recordOf('Import 5.csv')).map(({ status }) => status.split(' · ')[0]);
    expect(new Set(states)).toEqual(new Set(['Waiting to start', 'Cancelled']));
    for (const name of ['1.csv', '2.csv', '3.csv', '4.csv']) await tab.row(`Import ${name}`).action.click();
    await eventually(async () => {
      expect(new Set((await device.tasks()).map(({ status }) => status))).toEqual(new Set(['cancelled']));
    });
  }, 60_000);
});
