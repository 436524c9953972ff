// What `npm run pictures` runs once everything is built: a stack of its own, a person who imports contacts, and
// docs/images/demo.png in the middle of it. Look at the picture before you commit it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import UPNG from 'upng-js';
import { startChild } from './child.ts';
import { CHROMIUM_FLAGS, findChromium } from './chromium.ts';
import { printLine } from './output.ts';
import { REPOSITORY } from './paths.ts';
import { Problem, runMain } from './problem.ts';
import { requireSystemPart } from './system-packages.ts';
import { waitUntilReady } from './wait.ts';

const PICTURE = join(REPOSITORY, 'docs', 'images', 'demo.png');
/** A README that is slow to load is not read. A palette makes the file half as big, and nobody sees it in a picture of text. */
const MAX_BYTES = 300 * 1024;
const COLOURS = 256;

async function main(): Promise<void> {
  const executablePath = await requireSystemPart('Chromium', findChromium);
  const folder = mkdtempSync(join(tmpdir(), 'inloop-pictures-'));
  const lines: string[] = [];
  const stack = await startChild(
    {
      file: process.execPath,
      args: [join(REPOSITORY, 'dev', 'start.mjs')],
      env: { ...process.env, INLOOP_BUILT: '1', INLOOP_DIR: folder, PORT: '0', IMPORT_ROW_DELAY_MS: '150' },
      cwd: REPOSITORY,
    },
    (line) => lines.push(line),
  );
  const browser = await chromium.launch({ executablePath, headless: true, args: CHROMIUM_FLAGS });
  try {
    const readUrl = () => lines.find((line) => line.startsWith('ready '))?.slice('ready '.length);
    await waitUntilReady('The stack', stack, async () => readUrl() !== undefined, { deadlineMs: 120_000 });
    const page = await browser.newPage({
      viewport: { width: 1_200, height: 800 },
      deviceScaleFactor: 2,
      colorScheme: 'light',
      reducedMotion: 'reduce',
    });
    await page.goto(readUrl() as string);
    await actOut(page);
    save(await page.screenshot());
  } finally {
    await browser.close();
    await stack.stop(30_000);
    rmSync(folder, { recursive: true, force: true });
  }
}

function save(screenshot: Uint8Array): void {
  const picture = UPNG.decode(Uint8Array.from(screenshot).buffer);
  const file = Buffer.from(UPNG.encode(UPNG.toRGBA8(picture), picture.width, picture.height, COLOURS));
  if (file.length > MAX_BYTES) {
    throw new Problem(`The picture would have ${file.length} bytes, more than ${MAX_BYTES}. Show less in it.`);
  }
  mkdirSync(dirname(PICTURE), { recursive: true });
  writeFileSync(PICTURE, file);
  printLine('inloop', `wrote ${relative(REPOSITORY, PICTURE)} (${Math.ceil(file.length / 1024)} KB)`);
}

/** Ends in the middle of an import, with the tray open and a row of every common kind in it. */
async function actOut(page: Page): Promise<void> {
  const tray = page.locator('inloop-tray');
  const expectRow = (text: string | RegExp) => tray.locator('[part=task]').filter({ hasText: text }).first().waitFor();
  const importSample = async (label: string, outcome?: RegExp) => {
    await page.getByRole('button', { name: label }).click();
    await tray.locator('[part=button]').click();
    await expectRow(outcome ?? /Import/);
    if (outcome) await tray.locator('[part=close]').click();
  };
  await page.getByLabel('Your name').fill('Ada');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await importSample('A torn file', /39 were imported/);
  await importSample('Broken rows', /12\sskipped/);
  await page.getByRole('button', { name: 'Export as CSV' }).click();
  await tray.locator('[part=button]').click();
  await expectRow(/87\sexported/);
  await tray.locator('[part=close]').click();
  await importSample('100 contacts');
  await expectRow(/4\d\sof\s100/);
}

runMain(main);
