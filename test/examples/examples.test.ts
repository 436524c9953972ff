// The examples in examples/, run as an adopter runs them: the built package, real Redis, Soketi and Chromium.
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { BrowserFaults } from '../support/browser/browser-faults.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { startBus, type TestBus } from '../support/parts.ts';
import { type PlacedExample, placeExample } from './place-example.ts';

let bus: TestBus;
let browser: Browser;
let faults: BrowserFaults;
const placed: PlacedExample[] = [];

beforeAll(async () => {
  [bus, browser] = await Promise.all([startBus(), launchChromium()]);
}, 60_000);

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  for (const example of placed.splice(0)) await example.remove();
}, 30_000);

afterAll(async () => {
  await browser?.close();
  await bus?.stop();
}, 30_000);

function place(...args: Parameters<typeof placeExample>): PlacedExample {
  const example = placeExample(...args);
  placed.push(example);
  return example;
}

async function open(url: string): Promise<Page> {
  const context = await browser.newContext();
  faults = new BrowserFaults();
  faults.expect(/favicon\.ico/);
  await faults.watch(context);
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Starts a task with the page's button and waits until the tray says that it is done. */
async function seeDone(page: Page, button: string, title: string): Promise<void> {
  await page.getByRole('button', { name: button }).click();
  await page.getByText(`Done: ${title}`).first().waitFor({ timeout: 20_000 });
}

it('express-5: a button starts a task, and the tray shows its outcome', async () => {
  const example = place('express-5');
  await example.bundle('page.js', 'public/page.js');
  example.run('worker.js', bus.env);
  const page = await open(await example.serve('server.js', bus.env));
  await seeDone(page, 'Build the report', 'Report of May');
  expect(faults.found).toEqual([]);
}, 60_000);
