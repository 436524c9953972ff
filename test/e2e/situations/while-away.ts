// Outcomes that were reached while no tab was open: announced once per user, and seen on every device once seen on one.
import { expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import type { SmtpCatcher } from '../../support/smtp-catcher.ts';
import type { DemoPage } from '../demo-page.ts';
import type { Device, InWorld, World } from '../world.ts';

/** Starts an import, closes the tab before it ends, and waits for its end. */
async function importAndLeave(world: World, device: Device): Promise<void> {
  const tab = await device.openTab();
  const worker = world.freezeWorker();
  await tab.drop(world.writeCsv('long.csv', { rows: 60 }));
  await tab.openTray();
  await eventually(async () => expect(await tab.row('Import long.csv').text()).toMatch('Waiting to start'));
  await tab.page.close();
  worker.release();
  await eventually(async () => expect((await device.tasks())[0]?.status).toBe('succeeded'));
}

/** Runs an import in the tab. By its end the tab has announced everything from before. */
async function importAndStay(world: World, tab: DemoPage, rows: number): Promise<void> {
  // The import is slow enough for the tab to see it run. Without that, an outcome right after the tab was opened would count as
  // missed.
  await tab.setSlow(true);
  await tab.drop(world.writeCsv(`${rows}.csv`, { rows }));
  // All files hold the same people, so the number of contacts is that of the longest file.
  await eventually(async () => expect(await tab.total.textContent()).toBe(String(rows)));
}

/** Registers its tests. @param mails the e-mails that were sent so far */
export function testWhileAway(inWorld: InWorld, mails: () => SmtpCatcher['mails']): void {
  it.concurrent(
    'an outcome reached while no tab was open is announced once on return: not in a second tab, and not after another reload',
    inWorld(async (world) => {
      const device = await world.signIn('ada');
      await importAndLeave(world, device);

      const first = await device.openTab();
      await first.summary.waitFor();
      expect(await first.summary.innerText()).toMatch(/^While you were away: 1 task done\s/);
      expect(await first.badge.innerText()).toBe('1');

      const second = await device.openTab();
      await importAndStay(world, second, 70);
      expect((await second.record()).summaries).toEqual([]);
      // It is not announced again, but the number on the button still counts it.
      await eventually(async () => expect(await second.badge.innerText()).toBe('2'));
      expect((await first.record()).summaries).toEqual(['While you were away: 1 task done']);

      await first.page.reload();
      await importAndStay(world, first, 80);
      expect((await first.record()).summaries).toEqual([]);
      expect((await second.record()).summaries).toEqual([]);
    }),
  );

  it.concurrent(
    'an outcome reached while no tab was open is shown by the summary’s button, and once it is seen, no device counts it any more',
    inWorld(async (world) => {
      const laptop = await world.signIn('bea');
      const phone = await world.signIn('bea');
      await importAndLeave(world, laptop);
      const onLaptop = await laptop.openTab();
      const onPhone = await phone.openTab();
      for (const tab of [onLaptop, onPhone]) {
        await tab.summary.waitFor();
        expect(await tab.badge.innerText()).toBe('1');
      }

      await onPhone.summary.getByRole('button', { name: 'Show' }).click();
      await eventually(async () => expect(await onPhone.row('Import long.csv').text()).toMatch('Done · 60 imported'));
      // A row counts as seen after it was visible for a moment.
      for (const tab of [onLaptop, onPhone]) {
        await tab.badge.waitFor({ state: 'hidden' });
        await tab.summary.waitFor({ state: 'hidden' });
      }
      expect((await laptop.tasks())[0]?.seenAt).toEqual(expect.any(String));
      await onLaptop.openTray();
      await eventually(async () => expect(await onLaptop.row('Import long.csv').text()).toMatch('Done · 60 imported'));
    }),
  );

  it.concurrent(
    'an outcome reached while no tab was open is told by e-mail, once, if its owner does not come to see it',
    inWorld(async (world) => {
      const device = await world.signIn('carl');
      await importAndLeave(world, device);
      const ofCarl = () => mails().filter(({ to }) => to.startsWith('carl'));
      await eventually(() => ofCarl().length > 0, { within: 15_000 });
      expect(ofCarl()[0]?.headers).toContain('Subject: Import long.csv is done');
      // If a second mail about the first outcome were sent, it would come before the mail about this second outcome.
      await importAndLeave(world, device);
      await eventually(() => ofCarl().length > 1, { within: 15_000 });
      expect(new Set(ofCarl().map(({ headers }) => /^message-id: .*$/im.exec(headers)?.[0])).size).toBe(2);
    }),
  );
}
