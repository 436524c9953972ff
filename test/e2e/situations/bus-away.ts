// The bus is stopped in the middle of an import, with "Make trouble" on the page: what the page says, how it follows by
// polling, and how it becomes live again.
import { expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import type { DemoPage } from '../demo-page.ts';
import { backwardSteps, progressOf } from '../screen-record.ts';
import { type Device, type InWorld, pidOf, type World, waitUntilLive, watchLists } from '../world.ts';

type Tabs = readonly [DemoPage, DemoPage];

/** Registers its tests. */
export function testBusAway(inWorld: InWorld): void {
  it.concurrent(
    'while the bus is away both tabs say so quietly, follow by polling, and are live again soon after it is back',
    inWorld(async (world) => {
      world.faults.expectOutage();
      const device = await world.signIn('ada');
      const tabs: Tabs = [await device.openTab(), await device.openTab()];
      for (const tab of tabs) {
        await tab.setSlow(true);
        await tab.openTray();
      }
      const pid = pidOf(world.stack, 'soketi');
      const supervisor = await expectPolling(world, device, tabs);
      supervisor.release();
      await eventually(() => expect(world.stack.lines.join('\n')).toMatch('soketi is back'), { within: 15_000 });
      await expectLiveSoon(tabs, Date.now());
      await world.waitUntilBack('soketi', pid);

      const [task] = await device.tasks();
      expect(task).toMatchObject({ title: 'Import before.csv', status: 'succeeded' });
      for (const tab of tabs) {
        const done = (await tab.recordOf('Import before.csv')).find(({ status }) =>
          status.startsWith('Done · 150 imp'),
        );
        expect((done?.at ?? 0) - Date.parse(task?.finishedAt ?? '')).toBeLessThan(5_000);
      }
      await expectPushed(world, tabs);
    }),
  );
}

/**
 * Stops Soketi during an import, and expects that both tabs see its end by polling. Returns what holds the restart of Soketi
 * back.
 */
async function expectPolling(world: World, device: Device, tabs: Tabs): Promise<{ release(): void }> {
  // 6 s of work, so that it is not over before the worker is frozen, however slow the machine is.
  await tabs[0].drop(world.writeCsv('before.csv', { rows: 150 }));
  await eventually(async () => {
    const row = (await tabs[0].recordOf('Import before.csv')).at(-1);
    expect(row && progressOf(row)?.done).toBeGreaterThan(0);
  });
  const worker = world.freezeWorker();
  await tabs[1].makeTrouble('Stop Soketi');
  expect(await tabs[1].lastingTrouble()).toMatchObject([{ kind: 'stop-soketi' }]);
  // The outage lasts longer than the next steps, however slow the machine is.
  const supervisor = world.holdRestarts();
  for (const tab of tabs) await eventually(async () => expect(await tab.connection()).toBe('polling'));
  expect(await device.tasks()).toMatchObject([{ status: 'running' }]);
  worker.release();
  for (const tab of tabs) {
    await eventually(async () => {
      expect(await tab.banner.innerText()).toBe('Reconnecting. Updates come a few seconds late.');
    });
    // The import ends during the outage, so the page can know it by polling only.
    await eventually(async () => expect(await tab.row('Import before.csv').text()).toMatch('Done · 150 imported'), {
      within: 15_000,
    });
  }
  return supervisor;
}

/** Expects that the tabs are live again soon after the bus was back, at `backAt`. */
async function expectLiveSoon(tabs: Tabs, backAt: number): Promise<void> {
  for (const tab of tabs) {
    await waitUntilLive(tab);
    await tab.banner.waitFor({ state: 'hidden' });
    const { connections } = await tab.record();
    expect(connections.map(({ status }) => status)).toEqual(['connecting', 'live', 'polling', 'live']);
    const [connecting = 0, live = 0, , again = 0] = connections.map(({ at }) => at);
    // On a busy machine each connection takes longer, so the limit grows with the time that one takes: see feed-outage.ts in
    // test/integration/push/waits/.
    expect(again - backAt).toBeLessThan(Math.max(3_000, 2_200 + 5 * (live - connecting)));
  }
}

/** Expects that another import is pushed to both tabs, step by step. */
async function expectPushed(world: World, tabs: Tabs): Promise<void> {
  // The import takes 9 s. Pages that poll would ask for the list three times and more; what is pushed they need not ask for.
  const countLists = watchLists(tabs);
  await tabs[1].drop(world.writeCsv('after.csv', { rows: 225 }));
  for (const tab of tabs) {
    await eventually(async () => expect(await tab.row('Import after.csv').text()).toMatch('Done · 225 imported'), {
      within: 20_000,
    });
    const { rows, banners } = await tab.record();
    const steps = new Set(rows.filter(({ title }) => title === 'Import after.csv').map(({ status }) => status));
    expect(steps.size).toBeGreaterThan(3);
    expect(banners).toEqual(['Reconnecting. Updates come a few seconds late.']);
    expect(backwardSteps(rows)).toEqual([]);
  }
  expect(countLists()).toBeLessThanOrEqual(tabs.length);
}
