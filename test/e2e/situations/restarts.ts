// The server, Redis, or all services are killed and restarted: open pages recover without a reload.
import { expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import type { DemoPage } from '../demo-page.ts';
import { backwardSteps, progressOf } from '../screen-record.ts';
import { type Device, type InWorld, type Service, type World, waitUntilLive } from '../world.ts';

/** Opens a tab with a running import and an open tray. */
async function watchImport(world: World, user: string): Promise<{ device: Device; tab: DemoPage }> {
  const device = await world.signIn(user);
  const tab = await device.openTab();
  await tab.setSlow(true);
  await tab.drop(world.writeCsv('first.csv', { rows: 120 }));
  await tab.openTray();
  await eventually(async () => {
    const row = (await tab.recordOf('Import first.csv')).at(-1);
    expect(row && progressOf(row)?.done).toBeGreaterThan(20);
  });
  return { device, tab };
}

/** Expects, without a reload: the import has ended, no error is shown, and another import runs live. */
async function expectHealed(world: World, device: Device, tab: DemoPage): Promise<void> {
  await eventually(async () => expect(await tab.row('Import first.csv').text()).toMatch('Done · 120 imported'), {
    within: 40_000,
  });
  await waitUntilLive(tab, 20_000);
  await tab.banner.waitFor({ state: 'hidden' });
  await eventually(async () => expect(await tab.total.textContent()).toBe('120'), { within: 10_000 });
  await tab.setSlow(false);
  await tab.drop(world.writeCsv('second.csv', { rows: 130 }));
  // If an upload failed while the server was away, its error is still shown. The next upload hides it.
  await tab.problem.waitFor({ state: 'hidden' });
  await tab.openTray();
  await eventually(async () => expect(await tab.row('Import second.csv').text()).toMatch('Done · 130 imported'), {
    within: 10_000,
  });
  expect(backwardSteps((await tab.record()).rows)).toEqual([]);
  const shown = await tab.tray.locator('[part=task] [part=state]').allInnerTexts();
  expect(shown).toEqual(['Done', 'Done']);
  expect((await device.tasks()).map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
}

/** Registers its tests. */
export function testRestarts(inWorld: InWorld): void {
  it.concurrent(
    'a page heals without a reload when the server is killed, and says so to a user who tries something meanwhile',
    inWorld(async (world) => {
      const { device, tab } = await watchImport(world, 'ada');
      world.faults.expectOutage();
      const supervisor = world.holdRestarts();
      const pid = world.kill('server');
      await tab.drop(world.writeCsv('lost.csv', { rows: 3 }));
      await eventually(async () => {
        expect(await tab.problem.textContent()).toMatch(/^The server cannot be reached right now/);
      });
      supervisor.release();
      await world.waitUntilBack('server', pid);
      await expectHealed(world, device, tab);
    }),
  );

  it.concurrent(
    'a page heals without a reload when Redis is killed',
    inWorld(async (world) => {
      const { device, tab } = await watchImport(world, 'bea');
      world.faults.expectOutage();
      const supervisor = world.holdRestarts();
      const pid = world.kill('redis');
      await eventually(async () => expect((await tab.ask('/readyz')).status).toBe(503));
      supervisor.release();
      await world.waitUntilBack('redis', pid);
      expect(await tab.problem.isVisible()).toBe(false);
      await expectHealed(world, device, tab);
    }),
  );

  it.concurrent(
    'a page heals without a reload when all services are killed at once',
    inWorld(async (world) => {
      const { device, tab } = await watchImport(world, 'cy');
      world.faults.expectOutage();
      const services: readonly Service[] = ['worker', 'server', 'soketi', 'redis'];
      const pids = services.map((service) => world.kill(service));
      await Promise.all(services.map((service, index) => world.waitUntilBack(service, pids[index] as number)));
      expect(await tab.problem.isVisible()).toBe(false);
      await expectHealed(world, device, tab);
    }),
  );
}
