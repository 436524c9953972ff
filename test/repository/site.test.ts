// `npm run docs`: the site that it builds works in a browser, in the dark too, and asks no other server for anything.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { source } from 'axe-core';
import express from 'express';
import type { Browser, Page } from 'playwright-core';
import { REPOSITORY } from '../../dev/paths.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpServer, startHttpServer } from '../support/http-server.ts';

let folder: string;
let server: HttpServer;
let browser: Browser;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inloop-site-'));
  // Building takes 12 s of one core: TypeDoc reads all sources. Chromium starts meanwhile.
  [browser] = await Promise.all([
    launchChromium(),
    // It fails if an exported name has no docstring, or a link leads nowhere.
    promisify(execFile)(process.execPath, [join(REPOSITORY, 'dev', 'docs.mjs'), folder]),
  ]);
  server = await startHttpServer(express().use('/docs', express.static(folder)));
  page = await browser.newPage();
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())));
  page.on('pageerror', (error) => void faults.push(error.message));
  page.on('request', (request) => {
    const isOwn = request.url().startsWith(`${server.url}/docs/`) || /^(?:data|blob):/.test(request.url());
    if (!isOwn) faults.push(`asked for ${request.url()}`);
  });
  page.on('response', (answer) => void (answer.status() >= 400 && faults.push(`${answer.status()} ${answer.url()}`)));
}, 90_000);

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

it.each([
  ['accuracy', ['inloop/backend.BackendOptions.accuracy', 'Cost'], 'accuracy'],
  ['createTaskServer', ['inloop/server.createTaskServer'], 'createTaskServer'],
])(
  'search by keyboard alone finds %s',
  async (word, expected, text) => {
    await page.goto(`${server.url}/docs/`);
    // The key works once the scripts of the page have run.
    await eventually(async () => {
      if (!(await page.locator('#tsd-search-input').isVisible())) await page.keyboard.press('/');
      await expect(page.locator('#tsd-search-input:focus').count()).resolves.toBe(1);
    });
    // The whole word at once, because each letter makes a new list of results, in which none is selected.
    await page.keyboard.insertText(word);
    const results = page.locator('#tsd-search-results li');
    await eventually(async () => expect(await results.allInnerTexts()).toEqual(expect.arrayContaining(expected)));
    await page.keyboard.press('ArrowDown');
    await page.locator('#tsd-search-results [aria-selected="true"]').waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\.html/);
    expect(await page.locator('.col-content').innerText()).toContain(text);
    expect(faults).toEqual([]);
  },
  30_000,
);

it('its sidebar has groups, in which a newcomer finds the first steps, the commands and the HTTP calls', async () => {
  await page.goto(`${server.url}/docs/`);
  const sidebar = page.locator('#tsd-nav-container');
  await sidebar.getByText('First steps').waitFor();
  const groups = await sidebar.locator('> li').allInnerTexts();
  expect(groups.map((text) => text.split('\n', 1)[0])).toEqual([
    'First steps',
    'Guides',
    'In production',
    'HTTP and push',
    'How it works',
    'Entries of the package',
    'Decisions',
  ]);
  expect(await page.locator('h1').allInnerTexts()).toEqual(['inloop']);
  for (const [group, name, text] of [
    ['First steps', 'Commands', 'npx inloop doctor'],
    ['Guides', 'From pusher.trigger in a loop', 'pusher.trigger'],
    ['HTTP and push', 'HTTP calls (OpenAPI 3.1)', 'openapi: 3.1.1'],
  ] as const) {
    const link = sidebar.locator('> li', { hasText: group }).locator('a', { hasText: name });
    await page.goto(new URL((await link.first().getAttribute('href')) ?? '', page.url()).href);
    expect(await page.locator('.col-content').innerText()).toContain(text);
  }
  expect(faults).toEqual([]);
}, 30_000);

it.each(['light', 'dark'] as const)(
  'its texts stand out from a %s background',
  async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await page.goto(`${server.url}/docs/functions/inloop_server.createTaskServer.html`);
    await page.evaluate(source);
    const faint = await page.evaluate(async () => {
      // biome-ignore lint/suspicious/noExplicitAny: axe, which the line above has added to the page
      const { violations } = await (globalThis as any).axe.run('.col-content', { runOnly: ['color-contrast'] });
      return violations.flatMap(({ nodes }: { nodes: { html: string }[] }) => nodes.map(({ html }) => html));
    });
    expect(faint).toEqual([]);
    expect(faults).toEqual([]);
  },
  30_000,
);
