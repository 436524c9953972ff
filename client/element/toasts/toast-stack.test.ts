// Toasts, and the summary of what was missed, in a real Chromium.
import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { create, fail, run, succeed } from '../../test-support/all-statuses.ts';
import { fakeVisibility, setVisible } from '../../test-support/fake-visibility.ts';
import {
  broken,
  buttonName,
  done,
  PATIENT,
  running,
  says,
  takePicture,
  toasts,
  untilButtonSays,
  untilToasts,
  useTrayPages,
} from '../../test-support/tray-in-chromium.ts';

const pages = useTrayPages();

describe('toasts', () => {
  it('go by themselves, but not under the pointer, with the focus in them, in a hidden tab, or with something to do', async () => {
    const good = running(1);
    const bad = running(2);
    const linked = running(3);
    await pages.open([good, bad, linked], {
      prepare: async (page) => {
        await page.clock.install();
        await fakeVisibility(page);
      },
    });
    const { page } = pages;
    await pages.stopClock();
    await pages.push(done(good), broken(bad), succeed(linked, 0, { downloadUrl: '/reports/3.csv' }));
    await untilToasts(page, 3);
    await toasts(page).first().hover();
    await page.clock.runFor(60_000);
    expect(await toasts(page).count()).toBe(3);
    await toasts(page).first().getByRole('button', { name: 'Dismiss' }).focus();
    await page.mouse.move(5, 500);
    await page.clock.runFor(60_000);
    expect(await toasts(page).count()).toBe(3);
    await setVisible(page, false);
    await page.locator('#outside').focus();
    await page.clock.runFor(60_000);
    expect(await toasts(page).count()).toBe(3);
    await setVisible(page, true);
    await page.clock.runFor(7_000);
    await untilToasts(page, 2);
    const kept = (await toasts(page).allInnerTexts()).join();
    expect(['Failed', 'Retry', 'Download'].filter((word) => !kept.includes(word))).toEqual([]);
    await toasts(page).first().getByRole('button', { name: 'Dismiss' }).click();
    await untilToasts(page, 1);
    await toasts(page).getByRole('button', { name: 'Dismiss' }).click();
    await untilToasts(page, 0);
    await eventually(() => pages.server.takeCalls().includes('POST /seen'), PATIENT);
  });

  it('are three, and a number for the rest that opens the panel', async () => {
    const tasks = [1, 2, 3, 4, 5].map((key) => running(key));
    const tray = await pages.open(tasks, {
      query: 'tray=toast-duration=Infinity',
      prepare: (page) => page.clock.install(),
    });
    for (const task of tasks) {
      await pages.push(done(task));
      // Before a toast comes, the tab claims the outcome under a lock, and that takes real time.
      await eventually(async () => {
        await pages.page.clock.runFor(20);
        expect((await toasts(pages.page).allInnerTexts())[0]).toContain(task.title);
      }, PATIENT);
      await pages.page.clock.runFor(1_500);
    }
    await untilToasts(pages.page, 3);
    await pages.page.clock.runFor(600_000);
    await untilToasts(pages.page, 3);
    await tray.getByRole('button', { name: '+2' }).click();
    await pages.page.clock.runFor(100);
    await untilToasts(pages.page, 0);
    expect(await tray.locator('[part=panel]').isVisible()).toBe(true);
  });

  it('are one summary for fifty outcomes at once', async () => {
    const tasks = Array.from({ length: 50 }, (_, index) => running(index + 1));
    const tray = await pages.open(tasks);
    await pages.push(...tasks.map((task, index) => (index % 25 ? done(task) : broken(task))));
    const summary = tray.locator('[part=away]');
    await eventually(async () => expect(await summary.innerText()).toContain('48 tasks done'), PATIENT);
    // Failures are not lost in a number.
    expect(await toasts(pages.page).count()).toBe(2);
  });

  it('are not there with a duration of 0, and a nonsensical one is refused', async () => {
    const tray = await pages.open([running(1)], { query: 'tray=toast-duration=0' });
    await pages.push(broken(running(1)));
    await eventually(async () => expect(await tray.locator('[part=button]').innerText()).toContain('1 new'), PATIENT);
    expect(await toasts(pages.page).count()).toBe(0);
    const error = await tray.evaluate((host) => {
      try {
        Object.assign(host, { toastDuration: -1 });
        return '';
      } catch (thrown) {
        return String(thrown);
      }
    });
    expect(error).toContain('toastDuration must be milliseconds, 0 or Infinity, got -1.');
  });

  it('are shown in one tab, and gone in every tab once seen', async () => {
    const task = running(1);
    await pages.open([task]);
    const second = await pages.openTab();
    await untilButtonSays(second, '1 in progress');
    const ended = broken(task);
    await pages.push(ended);
    await eventually(async () => (await toasts(pages.page).count()) + (await toasts(second).count()) === 1, PATIENT);
    await untilButtonSays(second, '1 new');
    expect((await toasts(pages.page).count()) + (await toasts(second).count())).toBe(1);
    await pages.pushEvent('task.seen', { ids: [ended.id], seenAt: new Date().toISOString() });
    await eventually(async () => (await toasts(pages.page).count()) + (await toasts(second).count()) === 0, PATIENT);
  });

  it('stay within reach of a modal dialog, and so does the live region', async () => {
    const tasks = [running(1), running(2)];
    const tray = await pages.open(tasks, { query: 'scheme=dark' });
    const { page } = pages;
    await page.evaluate(() => document.querySelector('dialog')?.showModal());
    await pages.push(broken(tasks[0] as Snapshot));
    await eventually(async () => expect(await page.locator('dialog [part=toast]').count()).toBe(1), PATIENT);
    await eventually(
      async () => expect(await page.locator('dialog [role=status]').innerText()).toContain('Failed: Import 1.csv'),
      PATIENT,
    );
    await takePicture(page, 'modal');
    // Pressed for real: an inert one would let the click through to the backdrop.
    await page.locator('dialog [part=toast-dismiss]').click();
    await eventually(async () => expect(await toasts(page).count()).toBe(0), PATIENT);
    await pages.push(broken(tasks[1] as Snapshot));
    await eventually(async () => expect(await page.locator('dialog [part=toast]').count()).toBe(1), PATIENT);
    await page.locator('#inside').click();
    await eventually(async () => expect(await page.locator('dialog [part=toast]').count()).toBe(0), PATIENT);
    expect(await tray.locator('[part=toast]').isVisible()).toBe(true);
    expect(await tray.locator('[role=status]').count()).toBe(1);
  });
});

describe('what the user missed', () => {
  it('is told once, as one summary', async () => {
    const done = [1, 2].map((key) => succeed(run(create(key, `Import ${key}.csv`, 50), 40), 9, null));
    const tray = await pages.open([...done, fail(run(create(3, 'Report', 50), 40), 9, 'It broke.')]);
    await says(tray.locator('[part=away]'), 'While you were away: 2 tasks done, 1 failed');
    await takePicture(pages.page, 'away');
    pages.server.takeCalls();
    await tray.getByRole('button', { name: 'Dismiss' }).click();
    await eventually(() => pages.server.takeCalls().includes('POST /seen'));
    await eventually(async () => !(await tray.locator('[part=away]').isVisible()));
  });

  it('is not what happened while the user was looking', async () => {
    const task = run(create(1, 'Import a.csv', 5), 4);
    const tray = await pages.open([task]);
    await pages.push(succeed(task, 0, null));
    await eventually(async () => expect(await buttonName(tray)).toBe('Tasks, 1 new'));
    expect(await tray.locator('[part=away]').isVisible()).toBe(false);
  });
});
