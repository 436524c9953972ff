// The tray in a real Chromium, under a strict CSP, against a scripted server; asserting what a user sees.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import type { Snapshot } from '../../core/snapshot.ts';
import { type OpenOptions, TrayPages } from '../../test/support/browser/tray-page.ts';
import { eventually } from '../../test/support/eventually.ts';
import { ago, allStatuses, create, fail, run, succeed } from '../test-support/all-statuses.ts';
import type { FakeServer } from '../test-support/fake-server.ts';
import { evolve } from '../test-support/snapshots.ts';

/** Pictures of every status go here; set the variable to keep them and look at them. */
const PICTURES = process.env.INLOOP_PICTURES ?? mkdtempSync(join(tmpdir(), 'inloop-tray-'));

const pages = new TrayPages();
let server: FakeServer;
let page: Page;

beforeAll(() => pages.start(), 60_000);

afterAll(async () => {
  await pages.stop();
  if (!process.env.INLOOP_PICTURES) rmSync(PICTURES, { recursive: true, force: true });
});

beforeEach(() => {
  server = pages.server;
});

afterEach(async () => {
  expect(await pages.close()).toEqual([]);
});

async function open(tasks: readonly Snapshot[], options?: OpenOptions): Promise<Locator> {
  const tray = await pages.open(tasks, options);
  page = pages.page;
  return tray;
}

const push = (snapshot: Snapshot) => pages.push(snapshot);
const led = (act: string) => pages.lead(act);
const button = (tray: Locator) => tray.locator('[part=button]');
const row = (tray: Locator, title: string) => tray.locator('[part=task]', { hasText: title });
const textOf = async (locator: Locator) => (await locator.innerText()).replace(/\s+/g, ' ').trim();
const says = (locator: Locator, text: string | RegExp) =>
  eventually(
    async () => expect(await textOf(locator)).toMatch(text instanceof RegExp ? text : new RegExp(escapeRegExp(text))),
    {
      that: `"${text}"`,
    },
  );
const escapeRegExp = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

describe('every status', () => {
  it('says what is true of it', async () => {
    const tray = await open(allStatuses());
    await button(tray).click();
    await says(row(tray, 'contacts-april'), 'Waiting to start');
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
  }, 30_000);

  it.each([
    ['light', 'scheme=light', 900, 980],
    ['dark', 'scheme=dark', 900, 980],
    ['narrow', 'scheme=light', 320, 720],
    ['right-to-left', 'scheme=dark&dir=rtl', 700, 980],
  ])(
    'can be looked at: %s',
    async (name, query, width, height) => {
      const tray = await open(allStatuses(), { query, width, height });
      await button(tray).click();
      await says(row(tray, 'rather-long'), '42 of 256');
      const box = await tray.locator('[part=panel]').boundingBox();
      expect(box && box.x >= 0 && box.x + box.width <= width).toBe(true);
      expect(await tray.locator('.body').evaluate((body) => body.scrollWidth <= body.clientWidth)).toBe(true);
      const left = async (part: string) =>
        (await row(tray, 'rather-long').locator(part).boundingBox())?.x ?? Number.NaN;
      expect((await left('svg')) > (await left('[part=title]'))).toBe(query.includes('rtl'));
      await page.screenshot({ path: join(PICTURES, `${name}.png`) });
      await tray.locator('.body').evaluate((body) => body.scrollTo(0, 9_999));
      await page.screenshot({ path: join(PICTURES, `${name}-end.png`) });
    },
    30_000,
  );

  it('follows what is pushed, and never looks complete before the outcome', async () => {
    const start = run(create(1, 'Import a.csv', 5), 4, { done: 1, total: 100 });
    const tray = await open([start]);
    await button(tray).click();
    await says(row(tray, 'a.csv'), '1 of 100');
    const almost = evolve(start, { type: 'progress', at: ago(0), attempt: 1, progress: { done: 100, total: 100 } });
    await push(almost);
    await says(row(tray, 'a.csv'), '99 of 100');
    const full = await row(tray, 'a.csv')
      .locator('.fill')
      .evaluate((fill) => (fill as HTMLElement).style.transform);
    expect(Number(/scaleX\((.*)\)/.exec(full)?.[1])).toBeLessThan(0.99);
    await push(succeed(almost, 0, { imported: 100 }));
    await says(row(tray, 'a.csv'), 'Done · 100 imported · just now');
    expect(await row(tray, 'a.csv').locator('[role=progressbar]').isVisible()).toBe(false);
  }, 30_000);

  it('touches only the rows that changed', async () => {
    const one = run(create(1, 'One', 5), 4, { done: 1, total: 100 });
    const tray = await open([one, create(2, 'Two', 3)]);
    await button(tray).click();
    await says(row(tray, 'Two'), 'Waiting to start');
    const changes = await row(tray, 'Two').evaluateHandle((element) => {
      const seen: string[] = [];
      new MutationObserver((all) => seen.push(...all.map(({ type }) => type))).observe(element, {
        ...{ subtree: true, childList: true, attributes: true, characterData: true },
      });
      return seen;
    });
    await push(evolve(one, { type: 'progress', at: ago(0), attempt: 1, progress: { done: 50, total: 100 } }));
    await says(row(tray, 'One'), '50 of 100');
    expect(await changes.jsonValue()).toEqual([]);
  }, 30_000);

  it('shows text as text', async () => {
    const bad = '<img src=x onerror="document.title=1"><b>bold</b>';
    const links = {
      downloadUrl: 'javascript:alert(1)',
      fileUrl: 'http://elsewhere.example/x',
      url: 'https://ok.example/',
    };
    const done = succeed(run(create(2, 'With links', 5), 4), 1, links);
    const tray = await open([fail(run(create(1, bad, 5), 4), 1, bad), done]);
    await button(tray).click();
    await says(row(tray, 'bold'), bad);
    expect(await tray.locator('img, b').count()).toBe(0);
    expect(await row(tray, 'With links').locator('a').allInnerTexts()).toEqual(['Open']);
  }, 30_000);
});

describe('what the user does', () => {
  it('cancels once on a double click, and shows the transient', async () => {
    const task = run(create(1, 'Import a.csv', 5), 4);
    const tray = await open([task]);
    await button(tray).click();
    await row(tray, 'a.csv').getByRole('button').dblclick();
    await eventually(() => server.look().filter((path) => path.endsWith('/cancel')).length === 1);
    const cancelling = evolve(task, { type: 'cancel', at: ago(0) });
    await push(cancelling);
    await says(row(tray, 'a.csv'), /Cancelling…/);
    expect(await row(tray, 'a.csv').getByRole('button').count()).toBe(0);
    const focused = await tray.evaluate((host) => host.shadowRoot?.activeElement?.getAttribute('part'));
    expect(focused).toBe('task');
    await push(evolve(cancelling, { type: 'stop', at: ago(0), attempt: 1 }));
    await says(row(tray, 'a.csv'), 'Cancelled');
    expect(server.look().filter((path) => path.endsWith('/cancel'))).toEqual([]);
  }, 30_000);

  it('retries, says what went wrong with that, and does not offer it twice', async () => {
    const task = fail(run(create(1, 'Import a.csv', 5), 4), 1, 'The disk is full.');
    const tray = await open([task]);
    await button(tray).click();
    server.failWith = 503;
    server.isFailing = (path) => path.endsWith('/retry');
    const again = row(tray, 'a.csv').getByRole('button', { name: 'Retry: Import a.csv' });
    await again.dblclick();
    await says(row(tray, 'a.csv'), 'That did not work: Refused with 503.');
    expect(server.look().filter((path) => path.endsWith('/retry'))).toHaveLength(1);
    await push({ ...create(2, 'Import a.csv', 0), retryOf: task.id });
    await eventually(async () => (await again.count()) === 0);
    await says(row(tray, 'disk is full'), 'Tried again');
  }, 30_000);

  it('opens and stays open on a double click', async () => {
    const tray = await open([]);
    await button(tray).dblclick();
    expect(await tray.locator('[part=panel]').isVisible()).toBe(true);
  }, 30_000);

  it('opens and closes by keyboard, and gives the focus back', async () => {
    const tray = await open([run(create(1, 'Import a.csv', 5), 4)]);
    await button(tray).focus();
    await page.keyboard.press('Enter');
    await eventually(() => row(tray, 'a.csv').isVisible());
    expect(await button(tray).getAttribute('aria-expanded')).toBe('true');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Escape');
    await eventually(async () => !(await row(tray, 'a.csv').isVisible()));
    expect(await tray.evaluate((host) => host.shadowRoot?.activeElement?.getAttribute('part'))).toBe('button');
    await button(tray).click();
    await page.locator('#outside').click();
    await eventually(async () => !(await row(tray, 'a.csv').isVisible()));
  }, 30_000);

  it('counts what is new, and marks it as seen once it was looked at', async () => {
    const task = run(create(1, 'Import a.csv', 5), 4);
    const tray = await open([task]);
    await eventually(async () => expect(await button(tray).locator('.sr').textContent()).toBe('Tasks, 1 in progress'));
    await push(succeed(task, 0, null));
    await eventually(async () => expect(await button(tray).locator('.sr').textContent()).toBe('Tasks, 1 new'));
    server.look();
    await button(tray).click();
    await eventually(() => server.look().includes('POST /seen'), { that: 'it to be marked as seen' });
    await eventually(async () => expect(await button(tray).locator('.sr').textContent()).toBe('Tasks'));
    await eventually(async () => expect(await tray.locator('h3:visible').allInnerTexts()).toEqual(['New']));
    await page.keyboard.press('Escape');
    await button(tray).click();
    await eventually(async () => expect(await tray.locator('h3:visible').allInnerTexts()).toEqual(['Earlier']));
  }, 30_000);
});

describe('an outcome', () => {
  const outcomes = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      succeed(run(create(n + 1, `Import ${n + 1}.csv`, 900), 800), 700 - n, null),
    );
  const seen = () =>
    server.calls.filter(({ path }) => path === '/seen').flatMap(({ body }) => (body as { ids: string[] }).ids);
  /** Ids of the rows that are in view, at least by half. */
  const inView = (tray: Awaited<ReturnType<typeof open>>) =>
    tray.locator('[part=body]').evaluate((body) => {
      const frame = body.getBoundingClientRect();
      return [...body.querySelectorAll('[part=task]')].filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return bottom > top && Math.min(bottom, frame.bottom) - Math.max(top, frame.top) >= (bottom - top) / 2;
      }).length;
    });

  it('counts as seen only once it was in view itself, for 1.5 s', async () => {
    const tray = await open(outcomes(31));
    // Before the click: on a busy machine the panel is open well before `click` resolves.
    const openedAt = Date.now();
    await button(tray).click();
    await eventually(() => seen().length > 0, { within: 10_000 });
    expect(Date.now() - openedAt).toBeGreaterThanOrEqual(1_490);
    // One may be in view by half to the one and not to the other.
    expect(Math.abs(seen().length - (await inView(tray)))).toBeLessThanOrEqual(1);
    expect(seen().length).toBeLessThan(20);
    await tray.locator('[part=body]').evaluate((body) => body.scrollTo(0, body.scrollHeight));
    await eventually(() => seen().length > 20 || seen().includes('0000-0002'), { within: 10_000 });
    expect(new Set(seen()).size).toBe(seen().length);
  }, 30_000);

  it('does not count as seen in a panel that is closed at once', async () => {
    const tray = await open(outcomes(3));
    await button(tray).click();
    await eventually(async () => expect(await inView(tray)).toBe(3));
    await page.keyboard.press('Escape');
    const closedAt = Date.now();
    await eventually(() => Date.now() - closedAt > 2_000);
    expect(seen()).toEqual([]);
    expect(await button(tray).locator('.sr').textContent()).toBe('Tasks, 3 new');
  }, 30_000);
});

describe('away', () => {
  it('is told once, as one summary', async () => {
    const done = [1, 2].map((key) => succeed(run(create(key, `Import ${key}.csv`, 50), 40), 9, null));
    const tray = await open([...done, fail(run(create(3, 'Report', 50), 40), 9, 'It broke.')]);
    await says(tray.locator('[part=away]'), 'While you were away: 2 tasks done, 1 failed');
    await page.screenshot({ path: join(PICTURES, 'away.png') });
    server.look();
    await tray.getByRole('button', { name: 'Dismiss' }).click();
    await eventually(() => server.look().includes('POST /seen'));
    await eventually(async () => !(await tray.locator('[part=away]').isVisible()));
  }, 30_000);

  it('does not count what happened while the user was looking', async () => {
    const task = run(create(1, 'Import a.csv', 5), 4);
    const tray = await open([task]);
    await push(succeed(task, 0, null));
    await eventually(async () => expect(await button(tray).locator('.sr').textContent()).toBe('Tasks, 1 new'));
    expect(await tray.locator('[part=away]').isVisible()).toBe(false);
  }, 30_000);
});

describe('trouble', () => {
  it('is one quiet line, and old news looks old', async () => {
    const tray = await open([run(create(1, 'Import a.csv', 5), 4, { done: 10, total: 100 })]);
    await button(tray).click();
    await led('drop');
    await says(tray.locator('[part=banner]'), 'Reconnecting. Updates come a few seconds late.');
    expect(await row(tray, 'a.csv').getAttribute('data-stale')).toBeNull();
    await eventually(() => server.notModified > 0, { that: 'a poll that costs next to nothing' });
    server.failWith = 0;
    await eventually(
      async () =>
        expect(await textOf(tray.locator('[part=banner]'))).toMatch(/No connection. What you see is \d+ s old./),
      {
        within: 12_000,
      },
    );
    await says(row(tray, 'a.csv'), /Last news \d+ s ago/);
    expect(await row(tray, 'a.csv').getAttribute('data-stale')).toBe('');
    const background = await row(tray, 'a.csv')
      .locator('[part=fill]')
      .evaluate((fill) => getComputedStyle(fill).backgroundImage);
    expect(background).toContain('repeating-linear-gradient');
    await page.screenshot({ path: join(PICTURES, 'offline.png') });
  }, 30_000);
});

describe('the live region', () => {
  it('is there from the start, and merges outcomes into one utterance', async () => {
    const tasks = [1, 2, 3].map((key) => run(create(key, `Import ${key}.csv`, 5), 4));
    const tray = await open(tasks);
    const live = tray.locator('[role=status]');
    expect(await live.getAttribute('aria-live')).toBe('polite');
    await live.evaluate((node) => {
      const said: string[] = [];
      Object.assign(globalThis, { said });
      new MutationObserver(() => said.push(node.textContent ?? '')).observe(node, { childList: true });
    });
    for (const task of tasks) await push(succeed(task, 0, null));
    const said = () => page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
    await eventually(async () => (await said()).length > 0);
    expect(await said()).toEqual(['3 tasks done']);
  }, 30_000);
});

describe('thousands of rows', () => {
  it('are all there, for search and screen readers too, but what is far away is not drawn', async () => {
    const tasks = Array.from({ length: 300 }, (_, key) => run(create(key, `Import ${key}.csv`, 60), 50));
    const tray = await open(tasks);
    await button(tray).click();
    const rows = tray.locator('[part=task]');
    await eventually(async () => expect(await rows.count()).toBe(300), { within: 20_000 });
    const list = page.getByRole('list', { name: 'In progress' });
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
  }, 60_000);

  it('come in their order, whatever comes and goes, and keep the focus', async () => {
    const tasks = Array.from({ length: 60 }, (_, key) => run(create(key, `Import ${key}.csv`, 60), 50));
    const tray = await open(tasks);
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
      ...['Done', 'Done', 'Done'],
    ]);
    expect(await held.evaluate((node) => (node.getRootNode() as ShadowRoot).activeElement === node)).toBe(true);
  }, 60_000);
});

describe('in the page', () => {
  it('can be restyled by custom properties and parts, and says other words at once', async () => {
    const tray = await open([run(create(1, 'Import a.csv', 5), 4), fail(run(create(2, 'Import b.csv', 5), 4), 1, 'x')]);
    await button(tray).click();
    await says(row(tray, 'a.csv'), 'Running');
    await tray.evaluate((host) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(
        `inloop-tray { --inloop-surface: rgb(1, 2, 3) } inloop-tray::part(title) { letter-spacing: 7px }`,
      );
      document.adoptedStyleSheets = [sheet];
      Object.assign(host, { wording: { running: 'Läuft', tasks: 'Aufgaben', cancel: 'Abbrechen' } });
    });
    await says(row(tray, 'a.csv'), 'Läuft');
    await says(row(tray, 'a.csv'), 'Abbrechen');
    await says(row(tray, 'b.csv'), 'Retry');
    const [surface, spacing] = await row(tray, 'a.csv').evaluate((element) => [
      getComputedStyle(element.closest('[part=panel]') as Element).backgroundColor,
      getComputedStyle(element.querySelector('[part=title]') as Element).letterSpacing,
    ]);
    expect([surface, spacing]).toEqual(['rgb(1, 2, 3)', '7px']);
  }, 30_000);

  it('takes words that were set before it was defined', async () => {
    await open([]);
    const label = await page.evaluate(() => {
      const tray = document.createElement('inloop-tray');
      Object.defineProperty(tray, 'wording', {
        value: { tasks: 'Aufgaben' },
        configurable: true,
        writable: true,
        enumerable: true,
      });
      document.body.append(tray);
      return tray.shadowRoot?.querySelector('h2')?.textContent;
    });
    expect(label).toBe('Aufgaben');
  }, 30_000);

  it('survives being moved, and closes its connection when it is removed', async () => {
    const tray = await open([run(create(1, 'Import a.csv', 5), 4)]);
    await tray.evaluate((host) => document.querySelector('main')?.append(host));
    const states = () =>
      page.evaluate(() =>
        (globalThis as never as { FakePusher: { made: { connection: { state: string } }[] } }).FakePusher.made.map(
          ({ connection }) => connection.state,
        ),
      );
    await eventually(async () => expect(await states()).toEqual(['connected']));
    await tray.evaluate((host) => host.remove());
    await eventually(async () => expect(await states()).toEqual(['disconnected']));
  }, 30_000);
});
