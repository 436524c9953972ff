// The rows of the panel, in a real Chromium: which are drawn, in which order, and where the focus stays.
import { describe, expect, it } from '@jest/globals';
import type { Locator } from 'playwright-core';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { ago, create, run, succeed } from '../../test-support/all-statuses.ts';
import { evolve } from '../../test-support/snapshots.ts';
import {
  button,
  done,
  handInFeed,
  isFocused,
  PATIENT,
  row,
  running,
  says,
  useTrayPages,
} from '../../test-support/tray-in-chromium.ts';

const pages = useTrayPages();

describe('the rows', () => {
  it('change only where their task has changed', async () => {
    const one = run(create(1, 'One', 5), 4, { done: 1, total: 100 });
    const tray = await pages.open([one, create(2, 'Two', 3)]);
    await button(tray).click();
    await says(row(tray, 'Two'), 'Waiting to start');
    const changes = await row(tray, 'Two').evaluateHandle((element) => {
      const seen: string[] = [];
      new MutationObserver((all) => seen.push(...all.map(({ type }) => type))).observe(element, {
        subtree: true,
        childList: true,
        attributes: true,
        characterData: true,
      });
      return seen;
    });
    await pages.push(evolve(one, { type: 'progress', at: ago(0), attempt: 1, progress: { done: 50, total: 100 } }));
    await says(row(tray, 'One'), '50 of 100');
    expect(await changes.jsonValue()).toEqual([]);
  });

  it('stay in order and keep the focus, whatever is added or removed', async () => {
    const tasks = Array.from({ length: 60 }, (_, key) => run(create(key, `Import ${key}.csv`, 60), 50));
    const tray = await pages.open(tasks);
    await button(tray).click();
    const titles = () => tray.locator('[part=group]:visible [part=title]').allTextContents();
    const named = (keys: readonly number[]) => keys.map((key) => `Import ${key}.csv`);
    const newestFirst = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, index) => from - index);
    await eventually(async () => expect(await titles()).toEqual(named(newestFirst(59, 0))), { within: 20_000 });
    const held = row(tray, 'Import 30.csv').getByRole('button');
    await held.focus();
    const ended = [45, 7, 59].map((key) => succeed(tasks[key] as Snapshot, 0, null));
    const added = [61, 60].map((key) => run(create(key, `Import ${key}.csv`, 70 - key), 1));
    await pages.push(...ended, ...added);
    const active = newestFirst(61, 0).filter((key) => ![45, 7, 59].includes(key));
    await eventually(async () => expect((await titles()).slice(0, 59)).toEqual(named(active)), { within: 20_000 });
    expect((await titles()).slice(59).sort()).toEqual(named([45, 59, 7]));
    expect(await tray.getByRole('list', { name: 'New' }).locator('[part=state]').allTextContents()).toEqual([
      'Done',
      'Done',
      'Done',
    ]);
    expect(await held.evaluate((node) => (node.getRootNode() as ShadowRoot).activeElement === node)).toBe(true);
  });

  it('are all there, for search and screen readers too, but those far away are not drawn', async () => {
    const tasks = Array.from({ length: 300 }, (_, key) => run(create(key, `Import ${key}.csv`, 60), 50));
    const tray = await pages.open(tasks);
    await button(tray).click();
    const rows = tray.locator('[part=task]');
    await eventually(async () => expect(await rows.count()).toBe(300), { within: 20_000 });
    const list = pages.page.getByRole('list', { name: 'In progress' });
    expect(await list.getByRole('listitem').count()).toBe(300);
    // What is skipped has no box of its own until it comes near.
    const isDrawn = (locator: Locator) =>
      locator.evaluate((element) => element.checkVisibility({ contentVisibilityAuto: true }));
    expect(await isDrawn(rows.first())).toBe(true);
    expect(await isDrawn(rows.last())).toBe(false);
    await rows.last().getByRole('button', { name: 'Cancel: Import 0.csv' }).focus();
    await eventually(() => isDrawn(rows.last()));
    await says(rows.last(), 'Import 0.csv');
    await eventually(async () => !(await isDrawn(rows.first())));
  });

  it('leave out a task in its first second, but not its outcome', async () => {
    const tray = await pages.open([], { prepare: (page) => page.clock.install() });
    const { page } = pages;
    await tray.locator('[part=button]').click();
    await pages.stopClock();
    const now = await page.evaluate(() => Date.now());
    // The clock of the page stands still. These tasks are to be new by that clock, so they are created `age` ago.
    const age = (Date.now() - now) / 1_000;
    const short = create(1, 'Short', age);
    const long = create(2, 'Long', age);
    await pages.push(short, long);
    await page.clock.runFor(500);
    expect(await tray.locator('[part=task]').count()).toBe(0);
    await pages.push(done(run(short, age)));
    await page.clock.runFor(200);
    // The clock stands still, so only what the browser still has to draw is waited for.
    const texts = () => tray.locator('[part=task]').allInnerTexts();
    await eventually(async () => expect(await texts()).toEqual([expect.stringContaining('Short')]));
    await page.clock.runFor(1_500);
    await eventually(async () => expect(await texts()).toContainEqual(expect.stringContaining('Long')));
  });

  it('give the focus to a neighbour when they go, and to the button when all are gone', async () => {
    const tasks = [running(3), running(2), running(1)];
    const tray = await pages.open([]);
    const { page } = pages;
    const setTasks = await handInFeed(page, tasks);
    await tray.locator('[part=button]').click();
    const rows = tray.locator('[part=task]');
    await eventually(async () => expect(await rows.count()).toBe(3), PATIENT);
    await rows.last().getByRole('button').focus();
    await setTasks(tasks.slice(0, 2));
    await eventually(async () => expect(await rows.count()).toBe(2), PATIENT);
    expect(await rows.last().evaluate((row) => (row.getRootNode() as ShadowRoot).activeElement === row)).toBe(true);
    await setTasks([]);
    await eventually(() => isFocused(page, '[part=button]'), PATIENT);
  });
});
