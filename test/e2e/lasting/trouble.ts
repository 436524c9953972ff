// Each button of "Make trouble" on the demo's page: afterwards the page is right again, and nothing is lost. (Stop Soketi is
// in situations/bus-away.ts, Kill the worker in situations/worker-killed.ts.)
import { expect, it } from '@jest/globals';
import axe from 'axe-core';
import type { Response } from 'playwright-core';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../support/eventually.ts';
import type { DemoPage } from '../demo-page.ts';
import { backwardSteps, progressOf } from '../screen-record.ts';
import { type Device, useWorlds, type World, waitUntilLive, waitUntilNotLive, watchLists } from '../world.ts';

const TITLE = 'Import long.csv';
/** A limit for what hangs, in ms. Includes the wait for other tests and for a stack. */
const LIMIT = 240_000;

/** Opens two tabs with a running import. */
async function watchImport(
  world: World,
  user: string,
  rows: number,
): Promise<{ device: Device; tabs: [DemoPage, DemoPage] }> {
  const device = await world.signIn(user);
  const tabs: [DemoPage, DemoPage] = [await device.openTab(), await device.openTab()];
  await tabs[0].setSlow(true);
  await tabs[0].drop(world.writeCsv('long.csv', { rows }));
  for (const tab of tabs) await tab.openTray();
  await eventually(async () => expect(await readDone(tabs[0])).toBeGreaterThan(10));
  return { device, tabs };
}

/** The number of rows that the tray shows as done. */
async function readDone(tab: DemoPage): Promise<number> {
  const row = (await tab.recordOf(TITLE)).at(-1);
  return (row && progressOf(row)?.done) ?? 0;
}

/** How far the task has come by the next answer that the tab fetches by itself, and when the tab asked for it. */
async function nextFetched({ page }: DemoPage): Promise<{ done: number; askedAt: number }> {
  const isList = (response: Response) => new URL(response.url()).pathname === '/tasks' && response.status() === 200;
  const response = await page.waitForResponse(isList, { timeout: 28_000 });
  const { tasks } = (await response.json()) as { tasks: Snapshot[] };
  const done = tasks.find(({ title }) => title === TITLE)?.progress?.done ?? 0;
  return { done, askedAt: response.request().timing().startTime };
}

/** Expects the import to end in every tab at its first attempt, and never to have gone back. */
async function expectTruth(device: Device, tabs: readonly DemoPage[], rows: number): Promise<void> {
  for (const tab of tabs) {
    await eventually(async () => expect(await tab.row(TITLE).text()).toMatch(`Done · ${rows} imported`), {
      within: 45_000,
    });
    expect(backwardSteps(await tab.recordOf(TITLE))).toEqual([]);
    await waitUntilLive(tab, 30_000);
    await tab.banner.waitFor({ state: 'hidden' });
    await eventually(async () => expect(await tab.total.textContent()).toBe(String(rows)));
    expect(await tab.problem.isVisible()).toBe(false);
  }
  expect(await device.tasks()).toMatchObject([{ title: TITLE, status: 'succeeded', attempt: 1 }]);
}

/**
 * Registers the tests.
 *
 * @param untilQuiet what they wait for first
 */
export function testTrouble(untilQuiet: Promise<void>): void {
  const inWorld = useWorlds(3, { IMPORT_ROW_DELAY_MS: '40' });

  /** The body of a test. Its trouble does not last into the next test on the same stack. */
  const inTrouble = (test: (world: World) => Promise<void>) => {
    const body = inWorld(async (world) => {
      try {
        await test(world);
      } finally {
        const { context } = await world.signIn('tidy');
        expect((await context.request.delete(`${world.stack.url}/trouble`)).status()).toBe(200);
      }
    });
    return () => untilQuiet.then(body);
  };

  // Each has a stack to itself. They run at the same time, the longest first.
  it.concurrent(
    'trouble made on the page: block WebSockets: the page is live over HTTP while it lasts',
    inTrouble(blockWebSockets),
    LIMIT,
  );

  it.concurrent(
    'trouble made on the page: lose messages: a page that looks live asks when it has been silent for long',
    inTrouble(loseMessages),
    LIMIT,
  );

  it.concurrent(
    'trouble made on the page: drop the connection: every tab is live again by itself, and the import goes on',
    inTrouble(dropConnection),
    LIMIT,
  );

  it.concurrent(
    'trouble made on the page: double messages: nothing goes back, and the outcome is told once',
    inTrouble(doubleMessages),
    LIMIT,
  );

  it.concurrent.each(['light', 'dark'] as const)(
    'the card "Make trouble" is accessible, %s, while something lasts, and fits 320 px',
    (scheme) => inTrouble((world) => showCard(world, scheme))(),
    LIMIT,
  );

  // Alone, since it promises a time.
  it(
    'trouble made on the page: sleep: the tab freezes, is woken from another tab, and catches up',
    inTrouble(sleep),
    LIMIT,
  );
}

async function blockWebSockets(world: World): Promise<void> {
  world.faults.expect(/WebSocket connection to .* failed/);
  const { device, tabs } = await watchImport(world, 'bea', 900);
  const streams: number[] = [];
  for (const [index, { page }] of tabs.entries()) {
    page.on('response', (response) => {
      if (/\/xhr_streaming\?/.test(response.url()) && response.ok()) streams.push(index);
    });
  }
  await tabs[0].makeTrouble('Block WebSockets');
  await waitUntilNotLive(tabs);
  for (const tab of tabs) await waitUntilLive(tab, 45_000);
  expect(streams).not.toEqual([]);
  // WebSockets are still refused. The count goes on once a second or more rarely. Pages that poll would ask every 2.5 s.
  expect((await tabs[0].lastingTrouble()).map(({ kind }) => kind)).toEqual(['block-websockets']);
  const countLists = watchLists(tabs);
  const steps = new Set<number>();
  await eventually(async () => steps.add(await readDone(tabs[1])).size > 8, { within: 20_000 });
  expect(countLists()).toBeLessThanOrEqual(tabs.length);

  await tabs[1].endTrouble();
  expect(await tabs[1].lastingTrouble()).toEqual([]);
  await expectTruth(device, tabs, 900);
}

async function loseMessages(world: World): Promise<void> {
  const { device, tabs } = await watchImport(world, 'cy', 900);
  await tabs[0].makeTrouble('Lose messages');
  // For 10 s after its last message the page moves the count by the rate. Then the count stands still, until the silence
  // has lasted 15 s and the page fetches the task, while messages are still lost.
  const fetched = await Promise.all(tabs.map(nextFetched));
  for (const [index, tab] of tabs.entries()) {
    const { done, askedAt } = fetched[index] as (typeof fetched)[number];
    await eventually(async () => expect(await readDone(tab)).toBeGreaterThanOrEqual(done));
    const before = (await tab.recordOf(TITLE))
      .filter(({ at }) => at < askedAt)
      .map((row) => progressOf(row)?.done ?? 0);
    expect(Math.max(...before)).toBeLessThan(done);
  }
  expect((await tabs[0].lastingTrouble()).map(({ kind }) => kind)).toEqual(['lose-messages']);
  await expectTruth(device, tabs, 900);
}

async function dropConnection(world: World): Promise<void> {
  const { device, tabs } = await watchImport(world, 'ada', 200);
  await tabs[1].makeTrouble('Drop the connection');
  expect(await tabs[1].troubleStatus.textContent()).toBe('All live connections were cut.');
  for (const tab of tabs) {
    await eventually(
      async () => {
        const { connections } = await tab.record();
        expect(connections.map(({ status }) => status)).toEqual(['connecting', 'live', 'polling', 'live']);
      },
      { within: 15_000 },
    );
  }
  await expectTruth(device, tabs, 200);
}

async function doubleMessages(world: World): Promise<void> {
  const { device, tabs } = await watchImport(world, 'dora', 300);
  await tabs[0].makeTrouble('Double messages');
  for (const tab of tabs) await tab.closeTray();
  const told = async () => (await Promise.all(tabs.map(async (tab) => (await tab.record()).toasts))).flat().sort();
  await eventually(async () => expect(await told()).toEqual([expect.stringContaining(TITLE)]), { within: 25_000 });
  // The second copy of the outcome comes after 1.5 s. The outcome of a longer import comes after that copy.
  await tabs[0].drop(world.writeCsv('next.csv', { rows: 60 }));
  await eventually(async () => expect(await told()).toHaveLength(2), { within: 20_000 });
  expect((await told())[1]).toContain('Import next.csv');
  expect((await tabs[0].lastingTrouble()).map(({ kind }) => kind)).toEqual(['double-messages']);
  for (const tab of tabs) {
    await tab.openTray();
    await eventually(async () => expect(await tab.row(TITLE).text()).toMatch('Done · 300 imported'));
    const { rows } = await tab.record();
    expect(backwardSteps(rows)).toEqual([]);
    // After the outcome no other state was shown.
    const states = rows.filter(({ title }) => title === TITLE).map(({ status }) => status.startsWith('Done'));
    expect(states.lastIndexOf(false)).toBeLessThan(states.indexOf(true));
  }
  expect((await device.tasks()).map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
}

async function showCard(world: World, scheme: 'light' | 'dark'): Promise<void> {
  const device = await world.signIn('fay');
  await device.context.addInitScript({ content: axe.source });
  const tab = await device.openTab();
  await tab.page.emulateMedia({ colorScheme: scheme });
  expect(await tab.page.locator('#troubles').isVisible()).toBe(false);
  await tab.makeTrouble('Double messages');
  expect(await tab.page.locator('#trouble').innerText()).toMatch(/Messages come twice\. \d+ s left\./);
  for (const width of [1_200, 320]) {
    await tab.page.setViewportSize({ width, height: 700 });
    expect(await tab.page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    const { violations } = await tab.page.evaluate(() =>
      (globalThis as never as { axe: typeof axe }).axe.run('main', {
        runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] },
      }),
    );
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  }
  await tab.page.getByRole('button', { name: 'End all of it now' }).click();
  await eventually(async () => expect(await tab.troubleStatus.textContent()).toBe('All of it is over.'));
  expect(await tab.lastingTrouble()).toEqual([]);
}

async function sleep(world: World): Promise<void> {
  const { device, tabs } = await watchImport(world, 'eve', 400);
  const [sleeper, other] = tabs;
  const waking = sleeper.makeTrouble('Sleep');
  await eventually(async () => expect(await other.lastingTrouble()).toMatchObject([{ kind: 'sleep' }]), {
    within: 15_000,
  });
  const beganAt = Date.now();
  // However far the import was when the tab fell asleep, the sleep must be long enough to be told from a pause.
  const done = await eventually(
    async () => {
      const doneNow = (await device.tasks())[0]?.progress?.done ?? 0;
      return doneNow > 200 && Date.now() - beganAt > 6_000 && doneNow;
    },
    { within: 30_000 },
  );
  const askedAt = Date.now();
  await other.endTrouble();
  await waking;
  const { rows } = await sleeper.record();
  const caughtUp = await eventually(
    async () => (await sleeper.recordOf(TITLE)).find((row) => (progressOf(row)?.done ?? 0) >= done) ?? null,
  );
  expect(caughtUp.at - askedAt).toBeLessThan(6_000);
  // The tab was really frozen: it showed nothing new for most of that time.
  const gaps = rows.map(({ at }, index) => (rows[index + 1]?.at ?? caughtUp.at) - at);
  expect(Math.max(...gaps)).toBeGreaterThan(4_000);
  expect(await sleeper.troubleStatus.textContent()).toMatch(/^Awake again: this tab stood still for \d+ seconds\.$/);
  await expectTruth(device, tabs, 400);
}
