// The main job in the browser: a file is dropped, and its import waits, runs and finishes in every tab.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { REPOSITORY } from '../../../dev/paths.ts';
import { eventually } from '../../support/eventually.ts';
import type { DemoPage } from '../demo-page.ts';
import { backwardSteps, progressOf } from '../screen-record.ts';
import type { InWorld } from '../world.ts';

/** The number of rows that the tray shows as done, or null. */
async function readDone(tab: DemoPage, title: string): Promise<number | null> {
  const now = (await tab.recordOf(title)).at(-1);
  return now ? (progressOf(now)?.done ?? null) : null;
}

/** Registers its tests. */
export function testImport(inWorld: InWorld): void {
  it.concurrent(
    'an import is dropped on the page, waits, runs row by row and finishes, live, in two tabs at once',
    inWorld(async (world) => {
      const device = await world.signIn('ada', { byHand: true });
      const tabs = [await device.openTab(), await device.openTab()] as const;
      const [first] = tabs;
      // The worker is stopped, so that the import waits.
      const worker = world.freezeWorker();
      await first.setSlow(true);
      await first.drop(world.writeCsv('contacts.csv', { rows: 170 }));
      for (const tab of tabs) {
        await tab.openTray();
        await eventually(async () => expect(await tab.row('Import contacts.csv').text()).toMatch('Waiting to start'));
      }
      worker.release();
      for (const tab of tabs) {
        await eventually(
          async () => expect(await tab.row('Import contacts.csv').text()).toMatch(/Done · 170 imported · just now/),
          { within: 20_000 },
        );
        const shown = await tab.recordOf('Import contacts.csv');
        expect(shown[0]?.status).toBe('Waiting to start');
        const steps = new Set(shown.map((row) => progressOf(row)?.done).filter((done) => done !== undefined));
        // The import takes 6.8 s, and the count moves once a second. Polling every 2.5 s could show three steps at most.
        expect(steps.size).toBeGreaterThan(4);
        expect(backwardSteps(shown)).toEqual([]);
        // The import was shown waiting, being saved and done, and it was not shown as done too early.
        const states = shown.map(({ status }) => status.split(' · ')[0]);
        expect(states.filter((state, index) => state !== states[index - 1])).toEqual(
          expect.arrayContaining(['Waiting to start', 'Saving', 'Done']),
        );
        expect(states.indexOf('Done')).toBe(states.lastIndexOf('Saving') + 1);
        await eventually(async () => expect(await tab.total.textContent()).toBe('170'));
      }
      expect(await first.page.locator('#contacts tr').count()).toBeGreaterThan(10);
    }),
  );

  it.concurrent(
    'an import works with the file dialog too, and offers its rejected rows to its owner only',
    inWorld(async (world) => {
      const device = await world.signIn('bea');
      const tab = await device.openTab();
      await tab.choose(join(REPOSITORY, 'demo', 'samples', 'contacts-broken.csv'));
      await tab.openTray();
      const row = tab.row('Import contacts-broken.csv');
      await eventually(async () =>
        expect(await row.text()).toMatch('Done, with exceptions · 48 imported · 12 skipped'),
      );
      const [download] = await Promise.all([tab.page.waitForEvent('download'), row.links.click()]);
      expect(download.suggestedFilename()).toBe('contacts-broken-rejected.csv');
      const rejected = readFileSync(await download.path(), 'utf8')
        .trim()
        .split('\n');
      expect(rejected[0]).toMatch(/^\W?row,reason,name,email/);
      expect(rejected).toHaveLength(1 + 12);

      const address = new URL((await row.links.getAttribute('href')) ?? '', tab.page.url()).href;
      const other = await (await world.signIn('cy')).openTab();
      expect((await other.ask(address)).status).toBe(404);
      expect((await tab.ask(address)).status).toBe(200);
      expect((await fetch(address)).status).toBe(401);
    }),
  );

  it.concurrent(
    'an import continues in a tab that is reloaded in the middle, and ends in both tabs',
    inWorld(async (world) => {
      const device = await world.signIn('dora');
      const tabs = [await device.openTab(), await device.openTab()] as const;
      const [first] = tabs;
      const title = 'Import reload.csv';
      await first.setSlow(true);
      // Long enough to be still running when a busy machine has loaded the page again.
      await first.drop(world.writeCsv('reload.csv', { rows: 270 }));
      for (const tab of tabs) await tab.openTray();
      const before = await eventually(async () => {
        const done = (await readDone(first, title)) ?? 0;
        return done >= 40 && done;
      });

      await first.page.reload();
      await first.openTray();
      await eventually(async () => expect(await first.recordOf(title)).not.toEqual([]));
      const [right] = await first.recordOf(title);
      expect(right && progressOf(right)).toMatchObject({ attempt: 1, total: 270 });
      expect(right && progressOf(right)?.done).toBeGreaterThanOrEqual(before);

      for (const tab of tabs) {
        await eventually(async () => expect(await tab.row(title).text()).toMatch('Done · 270 imported'), {
          within: 20_000,
        });
        expect(backwardSteps(await tab.recordOf(title))).toEqual([]);
        await eventually(async () => expect(await tab.total.textContent()).toBe('270'));
      }
      expect(await device.tasks()).toMatchObject([{ title, status: 'succeeded', attempt: 1 }]);
    }),
  );
}
