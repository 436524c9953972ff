// Cancel, retry and dismiss by the buttons of a row, and "Clear finished", in a real Chromium.
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.ts';
import { ago, create, fail, run, succeed } from '../../test-support/all-statuses.ts';
import { evolve } from '../../test-support/snapshots.ts';
import { button, row, says, useTrayPages } from '../../test-support/tray-in-chromium.ts';

const pages = useTrayPages();

describe('a row', () => {
  it('cancels once on a double click, and says that it is cancelling', async () => {
    const task = run(create(1, 'Import a.csv', 5), 4);
    const tray = await pages.open([task]);
    await button(tray).click();
    await row(tray, 'a.csv').getByRole('button').dblclick();
    await eventually(() => pages.server.takeCalls().filter((path) => path.endsWith('/cancel')).length === 1);
    const cancelling = evolve(task, { type: 'cancel', at: ago(0) });
    await pages.push(cancelling);
    await says(row(tray, 'a.csv'), /Cancelling…/);
    // The button itself says so, too, until the answer to its command has come.
    await eventually(async () => (await row(tray, 'a.csv').getByRole('button').count()) === 0);
    const focused = await tray.evaluate((host) => host.shadowRoot?.activeElement?.getAttribute('part'));
    expect(focused).toBe('task');
    await pages.push(evolve(cancelling, { type: 'stop', at: ago(0), attempt: 1 }));
    await says(row(tray, 'a.csv'), 'Cancelled');
    expect(pages.server.takeCalls().filter((path) => path.endsWith('/cancel'))).toEqual([]);
  });

  it('retries, says what went wrong with that, and does not offer to retry twice', async () => {
    const task = fail(run(create(1, 'Import a.csv', 5), 4), 1, 'The disk is full.');
    const tray = await pages.open([task]);
    await button(tray).click();
    const again = row(tray, 'a.csv').getByRole('button', { name: 'Retry: Import a.csv' });
    pages.server.isFailing = (path) => path.endsWith('/retry');
    // The task itself may be retried. The server answers 409, too, if another task with the same concurrency key is under way.
    pages.server.failWith = 409;
    await again.click();
    await says(row(tray, 'a.csv'), 'That did not work: Refused with 409.');
    expect(pages.server.takeCalls().filter((path) => path.endsWith('/retry'))).toHaveLength(1);
    pages.server.failWith = 503;
    // Both clicks come before any answer, however slow the machine is.
    await again.evaluate((node: HTMLElement) => {
      node.click();
      node.click();
    });
    await says(row(tray, 'a.csv'), 'That did not work: Refused with 503.');
    expect(pages.server.takeCalls().filter((path) => path.endsWith('/retry'))).toHaveLength(1);
    await pages.push({ ...create(2, 'Import a.csv', 0), retryOf: task.id });
    await eventually(async () => (await again.count()) === 0);
    await says(row(tray, 'disk is full'), 'Tried again');
  });

  it('of a finished task is removed by its cross, and all that were seen by "Clear finished"', async () => {
    const tasks = [1, 2, 3].map((n) => succeed(run(create(n, `Import ${n}.csv`, 5), 4), 1, null));
    const active = run(create(4, 'Import 4.csv', 5), 4);
    const tray = await pages.open([...tasks, active]);
    await button(tray).click();
    expect(await row(tray, '4.csv').locator('[part=task-dismiss]').count()).toBe(0);
    await row(tray, '1.csv').getByRole('button', { name: 'Dismiss: Import 1.csv' }).click();
    await eventually(async () => (await row(tray, '1.csv').count()) === 0);
    // The focus stays in the tray, although the button that had it is gone.
    expect(await tray.evaluate((host) => host.shadowRoot?.activeElement?.getAttribute('part'))).not.toBeNull();
    // Outcomes in view count as seen after 1.5 s. They stay under "New" until the panel is closed.
    await eventually(() => pages.server.takeCalls().includes('POST /seen'));
    await button(tray).click();
    await button(tray).click();
    await tray.getByRole('button', { name: 'Clear finished' }).click();
    await eventually(async () => (await row(tray, '2.csv').count()) + (await row(tray, '3.csv').count()) === 0);
    expect(await row(tray, '4.csv').count()).toBe(1);
    expect(await tray.getByRole('button', { name: 'Clear finished' }).count()).toBe(0);
  });
});
