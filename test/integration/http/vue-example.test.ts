// The example of a tray in Vue, examples/vue-tray: it is short, compiles against the sources of the published entries, and
// works in Chromium with a real Redis, Soketi and Express.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { compileScript, parse } from 'vue/compiler-sfc';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { bundleForBrowser, servePage } from '../../support/browser/browser-bundle.ts';
import { BrowserFaults } from '../../support/browser/browser-faults.ts';
import { launchChromium } from '../../support/browser/chromium.ts';
import { eventually } from '../../support/eventually.ts';
import { type CountingApp, startCountingApp } from '../../support/processes/counting-app.ts';
import { typeCheck } from '../../support/type-check.ts';

const COMPONENT = join(REPOSITORY, 'examples', 'vue-tray', 'TaskTray.vue');
const source = readFileSync(COMPONENT, 'utf8');

/** The component with its template, compiled to TypeScript. */
function compile(): string {
  const { descriptor, errors } = parse(source, { filename: COMPONENT });
  expect(errors).toEqual([]);
  return compileScript(descriptor, { id: 'task-tray', inlineTemplate: true }).content;
}

describe('the Vue example', () => {
  it('is under 60 lines', () => {
    expect(source.trimEnd().split('\n').length).toBeLessThan(60);
  });

  it('compiles, with its template', async () => {
    // The component runs on a page, so Node's types are left out. Code that Vue generates has unused parameters.
    const options = { types: [], noUnusedParameters: false };
    expect(await typeCheck({ 'task-tray.ts': compile() }, options)).toBe('');
  }, 60_000);
});

describe('the Vue example on a page', () => {
  const faults = new BrowserFaults();
  let app: CountingApp;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    app = await startCountingApp();
    const script = await bundleForBrowser(
      `import { createApp } from 'vue';
       import TaskTray from ${JSON.stringify(COMPONENT)};
       createApp(TaskTray, { url: '/tasks' }).mount('#root');`,
      {
        alias: {
          inloop: join(REPOSITORY, 'core/index.ts'),
          'inloop/client': join(REPOSITORY, 'client/index.ts'),
          'inloop/headless': join(REPOSITORY, 'client/headless/index.ts'),
        },
        plugins: [
          {
            name: 'vue',
            setup: ({ onLoad }) => onLoad({ filter: /\.vue$/ }, () => ({ contents: compile(), loader: 'ts' })),
          },
        ],
      },
    );
    servePage(app.app, '/page', script);
    browser = await launchChromium();
    const context = await browser.newContext({ extraHTTPHeaders: { 'x-user': 'ada' } });
    await faults.watch(context);
    page = await context.newPage();
    await page.goto(`${app.url}/page`);
  }, 90_000);

  afterAll(async () => {
    await browser?.close();
    await app?.close();
  }, 30_000);

  const rowOf = (title: string) => page.locator('article', { hasText: title });
  const saidText = () => page.locator('[aria-live=polite]').textContent();

  it('shows a task live, also in the page’s title, and announces its outcome once', async () => {
    expect(await saidText()).toBe('');
    const id = await app.start('ada', 60, 50);
    await eventually(async () => expect(await rowOf('Count to 60').textContent()).toMatch(/Running · \d+ of 60/));
    await eventually(async () => expect(await page.title()).toMatch(/^\d+ % Test$/));
    expect(await rowOf('Count to 60').locator('progress').getAttribute('value')).toMatch(/^0\.\d+$/);
    const toast = page.locator('.toast:visible');
    await eventually(async () => expect(await toast.allTextContents()).toEqual(['Done: Count to 60']), {
      within: 15_000,
    });
    expect(await saidText()).toBe('Done: Count to 60');
    await eventually(async () => expect(await page.title()).toBe('✓ Test'));
    expect(await rowOf('Count to 60').textContent()).toMatch('Done · 60 done · just now');

    await toast.click();
    await eventually(async () => expect(await toast.count()).toBe(0));
    await eventually(async () => {
      const { seenAt } = (await (await app.call('ada', `/tasks/${id}`)).json()) as Snapshot;
      expect(seenAt).not.toBeNull();
    });
    await page.reload();
    await rowOf('Count to 60').waitFor();
    expect([await toast.count(), await saidText()]).toEqual([0, '']);
  }, 60_000);

  it('cancels and retries a task with its buttons', async () => {
    await app.start('ada', 1_000, 20);
    await rowOf('Count to 1000').getByText('Cancel', { exact: true }).click();
    await eventually(async () => expect(await saidText()).toBe('Cancelled: Count to 1000'));
    await rowOf('Count to 1000').getByText('Retry', { exact: true }).click();
    await eventually(async () => expect(await rowOf('Running').textContent()).toContain('Count to 1000'));
    await rowOf('Running').getByText('Cancel', { exact: true }).click();
    await eventually(async () => expect(await rowOf('Cancelled').count()).toBe(2));
    expect(faults.found).toEqual([]);
  }, 60_000);
});
