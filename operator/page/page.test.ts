// The operator's page in a real Chromium, in front of made-up data: WCAG, the keyboard, the content policy, live changes.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Page } from 'playwright-core';
import { eventually } from '../../test/support/eventually.ts';
import { OperatorPages } from '../../test/support/operator/operator-pages.ts';
import { orphan } from '../../test/support/operator/operator-tasks.ts';
import { useOperator } from '../../test/support/operator/operator-world.ts';
import { testIncidents } from '../../test/support/operator/page-incidents.ts';
import { testRights } from '../../test/support/operator/page-rights.ts';

jest.setTimeout(120_000);
/** How long `eventually` waits for Chromium on a busy machine. */
const PATIENT = { within: 20_000 };
/** Tasks of the fake operator: one that has failed, and one that was cancelled. */
const FAILED = '01950005-0000-7000-8000-000000000000';
const CANCELLED = '01950006-0000-7000-8000-000000000000';
const VIEWS = {
  overview: '',
  tasks: '?view=tasks',
  task: `?task=${FAILED}`,
  stuck: '?view=stuck',
  audit: '?view=audit',
};
/** Markup, a character that makes the text after it run from right to left, and a word of 10 kB. */
const HOSTILE = `<img src=x onerror="document.title='broken'">\u202egnp.exe</td>${'x'.repeat(10_000)}`;

const pages = new OperatorPages();
const world = useOperator();
beforeAll(() =>
  pages.start({
    operator: { count: 24 },
    live: { count: 24 },
    rights: { count: 24 },
    many: { count: 10_000 },
    viewer: { count: 24, role: 'view' },
    hostile: {
      count: 8,
      title: HOSTILE,
      alter: (key, value) => (['owner', 'code', 'message', 'who'].includes(key) && value !== null ? HOSTILE : value),
    },
  }),
);
afterAll(() => pages.stop());
afterEach(async () => {
  expect(await pages.close()).toEqual([]);
});

const row = (page: Page, text: string) => page.locator('tbody tr', { hasText: text });
/** What has the focus: its tag, and its label or text. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const { tagName, ariaLabel, textContent } = document.activeElement ?? document.body;
    return `${tagName} ${ariaLabel ?? textContent}`;
  });
/** Presses Tab until the focus is on what `wanted` names. */
async function tabTo(page: Page, wanted: RegExp): Promise<void> {
  for (let presses = 0; presses < 200; presses++) {
    if (wanted.test(await focused(page))) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${wanted}; the focus is on "${await focused(page)}".`);
}
/** How many pixels the page is wider than its window. */
const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

describe('for everyone', () => {
  it('meets WCAG 2.2 AA in every view and in the dialog, by axe-core, in light and in dark', async () => {
    const page = await pages.open();
    const check = async (name: string) => {
      await pages.takePicture(`${name}-light`);
      expect([name, await pages.findBreaches()]).toEqual([name, []]);
      await page.emulateMedia({ colorScheme: 'dark' });
      await pages.takePicture(`${name}-dark`);
      // The dark page differs in its colours only.
      expect([name, 'dark', await pages.findBreaches(['color-contrast'])]).toEqual([name, 'dark', []]);
      await page.emulateMedia({ colorScheme: 'light' });
    };
    for (const [name, query] of Object.entries(VIEWS)) {
      await pages.goto(query);
      await check(name);
    }
    await pages.goto('?view=tasks&status=failed');
    await page.getByLabel('Select all on this page').check();
    await page.getByRole('button', { name: 'Retry…' }).click();
    await page.getByRole('button', { name: /^Retry \d+ task/ }).waitFor();
    await check('dialog');
  });

  it('fits on 320 pixels, with text at 200 % too, and from right to left', async () => {
    const page = await pages.open('', { viewport: { width: 320, height: 1_400 } });
    for (const [name, query] of Object.entries(VIEWS)) {
      await pages.goto(query);
      await pages.takePicture(`${name}-narrow`);
      expect([name, await overflow(page)]).toEqual([name, 0]);
      await page.evaluate(() => document.documentElement.setAttribute('dir', 'rtl'));
      expect([name, 'rtl', await overflow(page)]).toEqual([name, 'rtl', 0]);
      await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
      expect([name, '200 %', await overflow(page)]).toEqual([name, '200 %', 0]);
    }
    await pages.takePicture('audit-big');
  });

  it('does not move where less motion is wanted, and meets WCAG in forced colours', async () => {
    const page = await pages.open(VIEWS.tasks, { reducedMotion: 'reduce', forcedColors: 'active' });
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
    expect(await pages.findBreaches()).toEqual([]);
  });

  it('is used with the keyboard alone: retries a failed task, then cancels in bulk', async () => {
    const page = await pages.open();
    await tabTo(page, /^A Skip/);
    await page.keyboard.press('Enter');
    expect(await focused(page)).toMatch(/^MAIN/);
    await page.keyboard.press('Shift+Tab');
    await pages.goto('');
    // From Tasks on, Tab goes round the whole page to Overview, and from there to Tasks.
    await tabTo(page, /^A Tasks$/);
    await tabTo(page, /^A Overview$/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await pages.settle();
    expect(await focused(page)).toMatch(/^MAIN/);

    await tabTo(page, /^SELECT All/);
    await page.keyboard.type('Fai');
    await tabTo(page, /^BUTTON Filter$/);
    await page.keyboard.press('Enter');
    await eventually(() => expect(page.url()).toContain('status=failed'), PATIENT);
    await pages.settle();
    const before = await page.locator('tbody tr').count();
    await tabTo(page, /^BUTTON Retry:/);
    await page.keyboard.press('Enter');
    // The focus is on what is to be decided, and does not leave the dialog.
    await eventually(async () => expect(await focused(page)).toBe('BUTTON Retry 1 task'), PATIENT);
    for (let presses = 0; presses < 6; presses++) {
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => !document.activeElement?.closest('main, header'))).toBe(true);
    }
    await tabTo(page, /^BUTTON Retry 1 task$/);
    await page.keyboard.press('Enter');
    await page.getByText('Retried 1 task.').first().waitFor();
    // The button that opened the dialog is gone. The focus is in its row, which has left the list, and stays while it has the focus.
    await eventually(async () => expect(await page.locator('tr[data-gone] :focus').count()).toBe(1), PATIENT);
    expect(await page.locator('tbody tr').count()).toBe(before);
    await eventually(
      async () => expect(await page.locator('#live').textContent()).toContain('Retried 1 task.'),
      PATIENT,
    );

    await page.goBack();
    await pages.settle();
    expect(await page.getByLabel('Status').inputValue()).toBe('');
    await page.getByLabel('Select all on this page').focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Shift+Tab');
    await tabTo(page, /^BUTTON Cancel…$/);
    await page.keyboard.press('Enter');
    await tabTo(page, /^BUTTON Cancel 24 tasks$/);
    await page.keyboard.press('Escape');
    await eventually(async () => expect(await focused(page)).toBe('BUTTON Cancel…'), PATIENT);
    await page.keyboard.press('Enter');
    await tabTo(page, /^BUTTON Cancel 24 tasks$/);
    await page.keyboard.press('Enter');
    await page.getByText('Cancelled 24 tasks.').first().waitFor();
    await eventually(async () => expect(await row(page, 'Running').count()).toBe(0), PATIENT);
  });
});

describe('what operators see', () => {
  it('has no button of an act for those who may only look', async () => {
    const page = await pages.open('', { mount: 'viewer' });
    for (const query of Object.values(VIEWS)) {
      await pages.goto(query, 'viewer');
      expect(await page.locator('main button:visible:not([type=submit]), main input[type=checkbox]').count()).toBe(0);
    }
  });

  it('shows hostile texts as texts', async () => {
    const page = await pages.open('', { mount: 'hostile' });
    for (const [name, query] of Object.entries(VIEWS)) {
      await pages.goto(query, 'hostile');
      await pages.takePicture(`${name}-hostile`);
      expect([name, await page.locator('main img').count(), await overflow(page)]).toEqual([name, 0, 0]);
      expect(await page.title()).toMatch(/ · Tasks$/);
    }
    await pages.goto(VIEWS.tasks, 'hostile');
    expect(await page.locator('th .user-text').first().textContent()).toBe(HOSTILE);
    expect(await page.locator('.act button').first().getAttribute('aria-label')).not.toContain('\u202e');
    await page.locator('.act button').first().click();
    await page.locator('dialog li').waitFor();
    expect(await page.locator('dialog li .user-text').first().textContent()).toBe(HOSTILE);
    expect(await overflow(page)).toBe(0);
  });

  it('lists 10,000 tasks in pages of 50, each with an address of its own', async () => {
    const page = await pages.open(VIEWS.tasks, { mount: 'many' });
    expect(await page.locator('tbody tr').count()).toBe(50);
    const first = await page.locator('tbody a').first().getAttribute('href');
    await page.getByRole('link', { name: 'Older' }).click();
    await pages.settle();
    const second = await page.locator('tbody a').first().getAttribute('href');
    expect(second).not.toBe(first);
    await page.reload();
    await pages.settle();
    expect(await page.locator('tbody a').first().getAttribute('href')).toBe(second);
    await page.goBack();
    await pages.settle();
    expect(await page.locator('tbody a').first().getAttribute('href')).toBe(first);
  });

  it('acts on all that match, after it has said how many, and goes on after a failure with what is left', async () => {
    const page = await pages.open('?view=tasks&status=retrying', { mount: 'many' });
    await page.getByLabel('Select all on this page').check();
    await page.getByRole('button', { name: 'Select all that match' }).click();
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByText('This cancels 1,429 tasks.').waitFor();
    expect(await page.locator('dialog li').count()).toBe(20);
    // The fake operator changes 500 tasks a call. Its second call is answered 503.
    pages.faults.expectOutage();
    let steps = 0;
    await page.route('**/api/acts', (route) =>
      route.request().postDataJSON().preview || ++steps !== 2 ? route.fallback() : route.fulfill({ status: 503 }),
    );
    await page.getByRole('button', { name: 'Cancel 1,429 tasks' }).click();
    await page.getByText('Cancelled 500 tasks. The rest is as it was. The server answered 503.').waitFor();
    await pages.takePicture('act-failed');
    expect(await pages.findBreaches()).toEqual([]);
    expect(await focused(page)).toBe('BUTTON Look again');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Cancel 929 tasks' }).click();
    await page.getByText('Cancelled 929 tasks.').first().waitFor();
    // Rows stay while the pointer is on one, so move it away.
    await page.mouse.move(5, 5);
    await eventually(() => page.getByText('No task matches this filter.').isVisible(), PATIENT);
    await pages.goto(VIEWS.audit, 'many');
    await eventually(async () => expect(await row(page, '929 tasks').count()).toBe(1), PATIENT);
  });
});

describe('live', () => {
  it('shows what others do, without a row that moves under the pointer', async () => {
    const page = await pages.open('', { mount: 'live' });
    await pages.act({ act: 'pause', target: { name: 'export-report' } }, 'live');
    await row(page, 'export-report').first().getByText('Paused').waitFor();

    await pages.goto('?view=tasks&status=cancelled', 'live');
    const rows = page.locator('tbody tr');
    const shown = await rows.count();
    const pointed = rows.nth(1).locator('td').nth(2);
    await pointed.hover();
    const place = await pointed.boundingBox();
    await pages.act({ act: 'cancel', target: { ids: [FAILED] } }, 'live');
    await pages.act({ act: 'retry', target: { ids: [CANCELLED] } }, 'live');
    await page.getByRole('button', { name: /^Show \d+ more$/ }).waitFor();
    expect(await rows.count()).toBe(shown);
    expect(await pointed.boundingBox()).toEqual(place);
    await page.mouse.move(5, 5);
    await eventually(
      async () => expect(await page.getByRole('button', { name: /^Show \d+ more$/ }).isVisible()).toBe(false),
      PATIENT,
    );
  });

  it('says that its stream is lost, and goes on by itself', async () => {
    const page = await pages.open(VIEWS.tasks);
    pages.faults.expectOutage();
    pages.isDown = true;
    pages.cutStreams();
    await page.getByText('Not live, connecting again…').waitFor();
    await page.getByText('What you see may be out of date.').waitFor();
    expect(await page.locator('tbody tr').count()).toBe(24);
    pages.isDown = false;
    await page.locator('#link[data-state=live]').waitFor();
    await eventually(async () => expect(await page.locator('#banner').isVisible()).toBe(false), PATIENT);
    await eventually(async () => expect(await page.locator('#live').textContent()).toContain('Live again.'), PATIENT);
  });

  it('asks for nothing while it is hidden, and catches up when it is seen again', async () => {
    const page = await pages.open(VIEWS.tasks);
    await page.clock.install();
    await page.reload();
    await pages.settle();
    const setHidden = (isHidden: boolean) =>
      page.evaluate((is) => {
        Object.defineProperty(document, 'hidden', { value: is, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, isHidden);
    await setHidden(true);
    await eventually(() => expect(pages.streams.size).toBe(0), PATIENT);
    const calls = pages.calls.length;
    await pages.act({ act: 'resume', target: { name: 'export-report' } });
    await page.clock.runFor(60_000);
    // The act itself is one call.
    expect(pages.calls.length).toBe(calls + 1);
    await setHidden(false);
    await eventually(() => expect(pages.calls.slice(calls + 1)).toContain('GET tasks?limit=50'), PATIENT);
  });
});

testRights(pages, world);
testIncidents(pages, world);

describe('in front of the real router, a worker and Redis', () => {
  it('follows a task, retries it, pauses a definition, erases a user, and keeps all of that in the audit log', async () => {
    const broken = await world.start({ fails: 2 });
    await world.reaches(broken.id, 'failed');
    const page = await pages.open(VIEWS.tasks, { mount: world.url, extraHTTPHeaders: { 'x-role': 'act' } });
    await row(page, 'The disk is full.').waitFor();
    const held = await world.start({ holds: true }, 'bob');
    await row(page, 'Running').waitFor();
    await pages.takePicture('real-tasks');
    world.letGo(held.id);
    await row(page, 'Done').waitFor();

    await pages.goto(`?task=${broken.id}`, world.url);
    for (const words of [/^Accepted/, /^Attempt 1 failed: no_disk/, /^Attempt 2 started/, /^Failed: no_disk/]) {
      await page.locator('.story div', { hasText: words }).waitFor();
    }
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByRole('button', { name: 'Retry 1 task' }).click();
    await page.locator('dt', { hasText: 'Retried by' }).waitFor();
    await pages.takePicture('real-task');

    await pages.goto('', world.url);
    await row(page, 'orphan').getByText('No worker handles it').waitFor();
    await page.getByRole('button', { name: 'Pause: pausable' }).click();
    await page.locator('dialog').getByRole('button', { name: 'Pause' }).click();
    await row(page, 'pausable').getByText('Paused').waitFor();
    await pages.takePicture('real-overview');
    await world.tasks.start(orphan, {}, { owner: 'eve' });
    await pages.goto(VIEWS.stuck, world.url);
    await row(page, 'orphan').getByText('No running worker handles it').waitFor();
    await pages.takePicture('real-stuck');

    await pages.goto('?view=tasks&owner=ada', world.url);
    await page.getByRole('button', { name: 'Forget owner…' }).click();
    const erase = page.getByRole('button', { name: 'Erase for ever' });
    await erase.waitFor();
    expect(await erase.getAttribute('aria-disabled')).toBe('true');
    await page.getByLabel('Type the owner to erase:').fill('ada');
    await page.keyboard.press('Enter');
    await page.getByText('No task matches this filter.').waitFor();

    await pages.goto(VIEWS.audit, world.url);
    for (const words of ['Retry: 1 task', 'Pause', 'Forget owner']) {
      await row(page, words).filter({ hasText: 'grace' }).first().waitFor();
    }
    await pages.takePicture('real-audit');
  });
});
