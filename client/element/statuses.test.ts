// What a row of the panel says of its task, in every status, in a real Chromium.
import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import { eventually } from '../../test/support/eventually.ts';
import { ago, allStatuses, create, fail, run, succeed } from '../test-support/all-statuses.ts';
import { evolve } from '../test-support/snapshots.ts';
import { button, row, says, takePicture, textOf, useTrayPages } from '../test-support/tray-in-chromium.ts';

const pages = useTrayPages();

describe('the row of a task', () => {
  it('says what is true in every status', async () => {
    const tray = await pages.open(allStatuses());
    await button(tray).click();
    await says(row(tray, 'contacts-april'), 'Waiting to start · 3 ahead of you');
    await says(row(tray, 'once a month'), /Starts on \w{3} \d+, \d{4}, \d\d:\d\d/);
    await says(row(tray, 'rather-long'), 'Save · 42 of 256');
    await says(row(tray, 'rather-long'), 'Checking e-mail addresses');
    await says(row(tray, 'for the board'), /No sign of the worker for (4|5)\d s/);
    await says(row(tray, 'for the board'), 'Taking longer than usual');
    await says(
      row(tray, 'newsletter'),
      /Trying again · attempt 2 of 3 · starts in (8|9|10|11|12) s The database did not answer/,
    );
    const countdown = async () =>
      Number(/starts in (\d+) s/.exec(await textOf(row(tray, 'newsletter')))?.[1] ?? Number.NaN);
    const before = await countdown();
    await eventually(async () => (await countdown()) < before, { that: 'the countdown to go on' });
    await says(row(tray, 'duplicates'), 'Cancelling… · 120 of 400');
    await says(row(tray, 'contacts-march'), /Done, with exceptions · 839 imported, 3 skipped|839 imported · 3 skipped/);
    await says(row(tray, 'contacts-march'), 'Download what was left out');
    const segments = row(tray, 'contacts-march').locator('[part=segments] i:visible');
    const lengths = await segments.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().width));
    // 3 of 842 would be about a pixel. The smallest part is drawn 8 pixels wide, so that it can be seen.
    expect(lengths).toEqual([expect.any(Number), 8]);
    expect(lengths[0]).toBeGreaterThan(150);
    await says(row(tray, 'of Berlin'), /Done · 1,204 contacts · just now Download/);
    await says(row(tray, 'customers.xlsx'), /Failed · 3 min ago The file is not a CSV.* Retry/);
    await says(row(tray, 'old-list'), 'Cancelled');
    expect(await row(tray, 'old-list').getAttribute('data-tone')).toBe('neutral');
    await eventually(async () =>
      expect(await tray.locator('h3:visible').allInnerTexts()).toEqual(['In progress', 'New', 'Earlier']),
    );
    expect(await row(tray, 'contacts-april').locator('[role=progressbar]').isVisible()).toBe(false);
    const bar = row(tray, 'rather-long').locator('[role=progressbar]');
    expect(await bar.getAttribute('aria-valuenow')).toBe('16');
    expect(await bar.getAttribute('aria-valuetext')).toBe('42 of 256');
    const unknown = row(tray, 'for the board').locator('[role=progressbar]');
    expect(await unknown.getAttribute('aria-valuenow')).toBeNull();
  });

  it.each([
    ['light', 'scheme=light', 900, 980],
    ['dark', 'scheme=dark', 900, 980],
    ['narrow', 'scheme=light', 320, 720],
    ['right-to-left', 'scheme=dark&dir=rtl', 700, 980],
  ])('fits, and can be looked at in every status: %s', async (name, query, width, height) => {
    const tray = await pages.open(allStatuses(), { query, width, height });
    await button(tray).click();
    await says(row(tray, 'rather-long'), '42 of 256');
    const box = await tray.locator('[part=panel]').boundingBox();
    expect(box && box.x >= 0 && box.x + box.width <= width).toBe(true);
    expect(await tray.locator('.body').evaluate((body) => body.scrollWidth <= body.clientWidth)).toBe(true);
    const left = async (part: string) => (await row(tray, 'rather-long').locator(part).boundingBox())?.x ?? Number.NaN;
    expect((await left('svg')) > (await left('[part=title]'))).toBe(query.includes('rtl'));
    await takePicture(pages.page, name);
    await tray.locator('.body').evaluate((body) => body.scrollTo(0, 9_999));
    await takePicture(pages.page, `${name}-end`);
  });

  it('follows what is pushed, and never looks complete before the outcome', async () => {
    const start = run(create(1, 'Import a.csv', 5), 4, { done: 1, total: 100 });
    const tray = await pages.open([start]);
    await button(tray).click();
    await says(row(tray, 'a.csv'), '1 of 100');
    const almost = evolve(start, { type: 'progress', at: ago(0), attempt: 1, progress: { done: 100, total: 100 } });
    await pages.push(almost);
    await says(row(tray, 'a.csv'), '99 of 100');
    const full = await row(tray, 'a.csv')
      .locator('.fill')
      .evaluate((fill) => (fill as HTMLElement).style.transform);
    expect(Number(/scaleX\((.*)\)/.exec(full)?.[1])).toBeLessThan(0.99);
    await pages.push(succeed(almost, 0, { imported: 100 }));
    await says(row(tray, 'a.csv'), 'Done · 100 imported · just now');
    expect(await row(tray, 'a.csv').locator('[role=progressbar]').isVisible()).toBe(false);
  });

  it('stands for the children, too, if the task is a parent, which ends with the last of them', async () => {
    const ofParent = (task: Snapshot) => ({ ...task, parent: parent.id }) as Snapshot;
    const news = (ended: number): TaskEvent => {
      const children = { total: 3, ended, failed: 0 };
      return { type: 'children', at: ago(0), children, returned: { result: { sent: 3 } }, onChildFailure: 'fail' };
    };
    const parent = run(create(1, 'Send mails', 50), 49);
    const children = [2, 3, 4].map((key) => ofParent(run(create(key, `Mail ${key}`, 48), 47)));
    // The handler has returned, but the task has no outcome until its children have ended.
    let waiting = succeed(evolve(parent, news(0)), 40, { sent: 3 });
    const tray = await pages.open([waiting, ...children]);
    await button(tray).click();
    await says(row(tray, 'Send mails'), 'Running · 0 of 3');
    for (const [index, child] of children.entries()) {
      waiting = evolve(waiting, news(index + 1));
      await pages.push(ofParent(succeed(child, 0, null)), waiting);
      await says(row(tray, 'Send mails'), index < 2 ? `Running · ${index + 1} of 3` : 'Done · 3 sent · just now');
      expect(await tray.locator('[part=task]').count()).toBe(1);
      if (index === 1) await takePicture(pages.page, 'children');
    }
  });

  it('shows text as text, and only safe links', async () => {
    const bad = '<img src=x onerror="document.title=1"><b>bold</b>';
    const links = {
      downloadUrl: 'javascript:alert(1)',
      fileUrl: 'http://elsewhere.example/x',
      url: 'https://ok.example/',
    };
    const done = succeed(run(create(2, 'With links', 5), 4), 1, links);
    const tray = await pages.open([fail(run(create(1, bad, 5), 4), 1, bad), done]);
    await button(tray).click();
    await says(row(tray, 'bold'), bad);
    expect(await tray.locator('img, b').count()).toBe(0);
    expect(await row(tray, 'With links').locator('a').allInnerTexts()).toEqual(['Open']);
  });
});
