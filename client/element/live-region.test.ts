// What screen readers announce of tasks, in a real Chromium.
import { describe, expect, it } from '@jest/globals';
import type { Locator } from 'playwright-core';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { eventually } from '../../test/support/eventually.ts';
import { create, run, succeed } from '../test-support/all-statuses.ts';
import { evolve } from '../test-support/snapshots.ts';
import { button, PATIENT, row, running, says, useTrayPages } from '../test-support/tray-in-chromium.ts';

const pages = useTrayPages();

/** Records what the live region says from now on. Returns a function that reads it. */
async function recordSaid(tray: Locator): Promise<() => Promise<string[]>> {
  await tray.locator('[role=status]').evaluate((node) => {
    const said: string[] = [];
    Object.assign(globalThis, { said });
    new MutationObserver(() => said.push(node.textContent ?? '')).observe(node, { childList: true });
  });
  return () => pages.page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
}

describe('the live region', () => {
  it('is there from the start, and says outcomes that come together in one sentence', async () => {
    const tasks = [1, 2, 3].map((key) => run(create(key, `Import ${key}.csv`, 5), 4));
    const tray = await pages.open(tasks);
    const live = tray.locator('[role=status]');
    expect(await live.getAttribute('aria-live')).toBe('polite');
    const said = await recordSaid(tray);
    for (const task of tasks) await pages.push(succeed(task, 0, null));
    await eventually(async () => (await said()).length > 0);
    expect(await said()).toEqual(['3 tasks done']);
  });

  it('says nothing when the place in line of a task changes: its row shows that', async () => {
    const place = (ahead: number) => ({ ...create(1, 'Import a.csv', 5), queue: { ahead } }) as Snapshot;
    const tray = await pages.open([place(4)]);
    await button(tray).click();
    await says(row(tray, 'a.csv'), 'Waiting to start · 4 ahead of you');
    const said = await recordSaid(tray);
    for (const ahead of [3, 2, 1, 0]) {
      await pages.push(place(ahead));
      await says(row(tray, 'a.csv'), ahead ? `${ahead} ahead of you` : 'next in line');
    }
    expect(await row(tray, 'a.csv').ariaSnapshot()).toContain('Waiting to start · next in line');
    // An outcome is still said, and it is the first thing that is said.
    await pages.push(run(place(0), 1), succeed(run(place(0), 1), 0, null));
    await eventually(async () => expect(await said()).toEqual(['Done: Import a.csv']));
  });

  it('says at most four things in a minute of a thousand reports, and the outcome once', async () => {
    const tray = await pages.open([], { prepare: (page) => page.clock.install() });
    const { page } = pages;
    const live = tray.locator('[role=status]');
    expect([await live.getAttribute('aria-live'), await live.count(), await live.innerText()]).toEqual([
      'polite',
      1,
      '',
    ]);
    await tray.locator('[part=button]').click();
    await pages.stopClock();
    const time = await page.evaluate(() => Date.now());
    const stamp = (seconds: number) => new Date(time + seconds * 1_000).toISOString();
    // `create`, `run` and `succeed` count seconds back from the time of this process, but the clock of the page stands still at
    // `time`. So the task is created 5 s and started 4 s before `time`, and it succeeds 60 s after `time`.
    let task = run(create(1, 'Import a.csv', (Date.now() - time) / 1_000 + 5), (Date.now() - time) / 1_000 + 4, {
      done: 0,
      total: 1_021,
    });
    await pages.push(task);
    await page.clock.runFor(1_500);
    await tray.evaluate((host) => {
      const said: string[] = [];
      const writes: number[] = [];
      Object.assign(globalThis, { said, writes });
      const region = host.shadowRoot?.querySelector('[role=status]') as Element;
      new MutationObserver(() => said.push(region.textContent ?? '')).observe(region, { childList: true });
      const bar = host.shadowRoot?.querySelector('[role=progressbar]') as Element;
      new MutationObserver((all) => {
        if (all.some(({ attributeName }) => attributeName?.startsWith('aria'))) writes.push(Date.now());
      }).observe(bar, { attributes: true });
    });
    // 60 s with 17 reports each: 1,020 of 1,021 elements.
    for (let second = 0; second < 60; second++) {
      const reports: Snapshot[] = [];
      for (let part = 0; part < 17; part++) {
        const progress = { done: second * 17 + part + 1, total: 1_021 };
        task = evolve(task, { type: 'progress', at: stamp(second + part / 17), attempt: 1, progress });
        reports.push(task);
      }
      await pages.push(...reports.slice(0, 8));
      await page.clock.runFor(500);
      await pages.push(...reports.slice(8));
      await page.clock.runFor(500);
    }
    await pages.push(succeed(task, (Date.now() - time) / 1_000 - 60, null));
    const read = () =>
      page.evaluate(() => {
        const { said, writes } = globalThis as unknown as { said: string[]; writes: number[] };
        return { said, writes };
      });
    const outcomes = async () => (await read()).said.filter((text) => text.includes('Done: Import a.csv'));
    // Before it is said, the tab claims it under a lock, and that takes real time.
    await eventually(async () => {
      await page.clock.runFor(200);
      expect(await outcomes()).toHaveLength(1);
    }, PATIENT);
    await page.clock.runFor(3_000);
    expect(await outcomes()).toHaveLength(1);
    const { said, writes } = await read();
    expect(said.length).toBeLessThanOrEqual(4);
    expect(writes.length).toBeGreaterThan(20);
    // At most two writes in any second, with 10 ms for a timer that fires early.
    for (const [index, at] of writes.entries())
      expect((writes[index + 2] ?? at + 1_000) - at).toBeGreaterThanOrEqual(990);
  });
});

describe('a bar', () => {
  it('has a name, and no value where none is known', async () => {
    const tray = await pages.open([running(1), run(create(2, 'Report', 5), 4)]);
    await tray.locator('[part=button]').click();
    await pages.page.getByRole('progressbar', { name: 'Import 1.csv' }).waitFor();
    const unknown = pages.page.getByRole('progressbar', { name: 'Report' });
    await unknown.waitFor();
    expect(await unknown.getAttribute('aria-valuenow')).toBeNull();
  });
});
