// `npm run pictures`, once everything is built. Starts a stack, opens the demo's pages in Chromium, and writes the pictures of the
// documents, or only those that are named: `npm run pictures -- operator`. Nothing in them is faked. Look at them before you
// commit them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { CommandError, runMain } from '../../cli/command-error.ts';
import { requireSystemPart } from '../../cli/parts/system-packages.ts';
import { startChild, waitUntilReady } from '../../cli/processes/child.ts';
import { readJsonFile } from '../../cli/processes/json-file.ts';
import type { StackFile } from '../../cli/processes/state-folder.ts';
import { printLine } from '../output.ts';
import { REPOSITORY } from '../paths.ts';
import { CHROMIUM, CHROMIUM_FLAGS } from '../setup/chromium.ts';
import { loadCredentials } from '../stack/credentials.ts';
import { OPERATOR, showOperator } from './operator-picture.ts';
import { saveAnimation, savePicture } from './picture-files.ts';
import { showEveryStatus, surviveKilledWorker } from './picture-scenes.ts';
import { compareMessages } from './side-by-side.ts';

const PICTURES = ['side-by-side', 'worker-killed', 'statuses', 'operator'] as const;
/** Width of the page for the pictures of statuses, in CSS pixels. */
const PHONE_WIDTH = 480;
/** Free space below the tray in these pictures, in CSS pixels. */
const MARGIN = 16;
/** How long each row of a slow import takes: 1,000 rows take a minute. */
const ROW_MS = 60;
/** How many times faster the comparison is than the recording. The README names the same number. */
const COMPARISON_SPEED = 4;
/** How many times faster the animation `worker-killed` is than the recording. docs/promises.md names the same number. */
const ANIMATION_SPEED = 2;

/** Takes pictures. @param names which ones; none for all */
async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !(PICTURES as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new CommandError(`There is no picture ${unknown}. There are ${PICTURES.join(', ')}.`);
  const isWanted = (name: (typeof PICTURES)[number]) => names.length === 0 || names.includes(name);
  const executablePath = await requireSystemPart(CHROMIUM);
  const folder = mkdtempSync(join(tmpdir(), 'inloop-pictures-'));
  const lines: string[] = [];
  const stack = await startChild(
    {
      file: process.execPath,
      args: [join(REPOSITORY, 'dev', 'start.mjs')],
      env: {
        ...process.env,
        // Everything is built, so `npm start` need not build again.
        INLOOP_BUILT: '1',
        INLOOP_DIR: folder,
        PORT: '0',
        IMPORT_ROW_DELAY_MS: String(ROW_MS),
        OPERATORS: OPERATOR,
      },
      cwd: REPOSITORY,
    },
    (line) => lines.push(line),
  );
  const browser = await chromium.launch({ executablePath, headless: true, args: CHROMIUM_FLAGS });
  try {
    const readUrl = () => lines.find((line) => line.startsWith('ready '))?.slice('ready '.length);
    await waitUntilReady('The stack', stack, async () => readUrl() !== undefined, { deadlineMs: 120_000 });
    const url = readUrl() as string;
    if (isWanted('side-by-side')) await takeComparison(browser, url, folder);
    if (isWanted('worker-killed')) {
      const frames = await surviveKilledWorker(await openPage(browser, url, 1_000, 720, 1.5));
      saveAnimation('worker-killed.png', frames, ANIMATION_SPEED);
    }
    if (isWanted('statuses')) await takeStatuses(browser, url, folder);
    // This one is the last, since its imports keep the worker busy.
    if (isWanted('operator')) {
      const { light, dark } = await showOperator(browser, url);
      savePicture('operator-light.png', light);
      savePicture('operator-dark.png', dark);
    }
  } finally {
    await browser.close();
    await stack.stop(30_000);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Takes the animation `side-by-side`. @param folder the state folder of the stack */
async function takeComparison(browser: Browser, url: string, folder: string): Promise<void> {
  const services = readJsonFile<StackFile>(join(folder, 'stack.json'))?.services;
  const soketi = { port: services?.soketi?.port as number, app: loadCredentials(folder).app };
  const { frames, left, right } = await compareMessages({ browser, demo: url, soketi, rowMs: ROW_MS });
  saveAnimation('side-by-side.png', frames, COMPARISON_SPEED);
  printLine('inloop', `side by side: ${left} and ${right} messages`);
}

/** Takes the pictures of the tray with a task of every status. @param folder the state folder of the stack */
async function takeStatuses(browser: Browser, url: string, folder: string): Promise<void> {
  // Read now and not before: the worker may have been killed for the animation, and its successor has another id.
  const workerPid = readJsonFile<StackFile>(join(folder, 'stack.json'))?.services.worker?.pid as number;
  const uploads = join(folder, 'data', 'uploads');
  // On a narrow page the panel is as high as its content.
  const page = await openPage(browser, url, PHONE_WIDTH, 1_600, 2);
  const shots = await showEveryStatus({ page, workerPid, uploads }, async (tray) => {
    const [header, panel] = await Promise.all([
      page.locator('header').boundingBox(),
      tray.locator('[part=panel]').boundingBox(),
    ]);
    const height = Math.ceil((header?.height ?? 0) + (panel?.height ?? 0)) + MARGIN;
    await page.setViewportSize({ width: PHONE_WIDTH, height });
    // The pointer is moved away, and the page scrolled to its empty end, so that nothing shows behind the panel.
    await page.mouse.move(0, 0);
    await page.mouse.wheel(0, 10_000);
    const light = await page.screenshot();
    await page.emulateMedia({ colorScheme: 'dark' });
    return { light, dark: await page.screenshot() };
  });
  savePicture('statuses-light.png', shots.light);
  savePicture('statuses-dark.png', shots.dark);
}

async function openPage(browser: Browser, url: string, width: number, height: number, scale: number): Promise<Page> {
  const page = await browser.newPage({
    viewport: { width, height },
    deviceScaleFactor: scale,
    colorScheme: 'light',
    reducedMotion: 'reduce',
  });
  await page.goto(url);
  return page;
}

runMain(() => main(process.argv.slice(2)));
