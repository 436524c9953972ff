// The scenes of the pictures of the tray: real tasks on a real stack, on the demo's page.
import { readFileSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';
import { CommandError } from '../../cli/command-error.ts';
import { REPOSITORY } from '../paths.ts';
import { Film } from './film.ts';
import type { Frame } from './picture-files.ts';

/** The time from one frame of the animation to the next. A slow machine needs more. */
const FRAME_MS = 200;
/** How long a scene waits for a status. */
const MAX_WAIT_MS = 60_000;

/** What {@link showEveryStatus} needs. */
export interface SceneContext {
  readonly page: Page;
  /** The process id of the worker. */
  readonly workerPid: number;
  /** The folder of uploads that wait for their import. */
  readonly uploads: string;
}

/**
 * Makes one task of every status, then calls `take` while the tray shows all of them. The worker is paused (SIGSTOP) for
 * this, because a task is `cancelling` for a few milliseconds only.
 */
export async function showEveryStatus<Taken>(
  { page, workerPid, uploads }: SceneContext,
  take: (tray: Locator) => Promise<Taken>,
): Promise<Taken> {
  const tray = page.locator('inloop-tray');
  const row = (title: string) => tray.locator('[part=task]').filter({ hasText: title });
  const expectRow = (title: string, text: RegExp) => row(title).filter({ hasText: text }).waitFor();
  await signIn(page, 'Ada');

  await upload(page, 'newsletter.csv', 'contacts-broken.csv');
  await upload(page, 'old-crm.csv', 'contacts-torn.csv');
  await page.getByRole('button', { name: 'Export as CSV' }).click();
  await page.getByLabel('Take it slowly').check();
  await upload(page, 'suppliers.csv');
  await openTray(page);
  await expectRow('newsletter.csv', /12\sskipped/);
  await expectRow('old-crm.csv', /Failed/);
  await expectRow('Export contacts', /exported/);
  await expectRow('suppliers.csv', /\d\d\sof\s100/);
  await row('suppliers.csv').getByRole('button', { name: 'Cancel' }).click();
  await expectRow('suppliers.csv', /Cancelled/);

  await upload(page, 'leads-berlin.csv');
  await upload(page, 'partners.csv');
  await openTray(page);
  await expectRow('leads-berlin.csv', /\d\d\sof\s100/);
  process.kill(workerPid, 'SIGSTOP');
  try {
    const before = await readdir(uploads);
    await upload(page, 'customers.csv');
    const file = (await readdir(uploads)).find((name) => !before.includes(name)) as string;
    // A folder in place of the file: reading it fails with an error that is retried.
    await rm(join(uploads, file));
    await mkdir(join(uploads, file));
    process.kill(workerPid, 'SIGCONT');
    await waitFor('the import to be tried again', async () => (await readStatus(page, 'customers.csv')) === 'retrying');
    process.kill(workerPid, 'SIGSTOP');

    await openTray(page);
    await row('partners.csv').getByRole('button', { name: 'Cancel' }).click();
    await expectRow('partners.csv', /Cancelling/);
    await upload(page, 'trade-fair.csv');
    await openTray(page);
    await expectRow('trade-fair.csv', /Waiting/);
    await expectRow('customers.csv', /Trying again/);
    return await take(tray);
  } finally {
    process.kill(workerPid, 'SIGCONT');
  }
}

/** Runs an import and kills its worker in the middle. @returns the frames of an animation */
export async function surviveKilledWorker(page: Page): Promise<Frame[]> {
  await signIn(page, 'Grace');
  await page.getByText('Make trouble').click();
  // Scrolled so that the samples, the switch and the tray are all visible.
  const samples = await page.getByText('No file at hand?').boundingBox();
  await page.mouse.wheel(0, (samples?.y ?? 0) - 105);
  const film = new Film(page, FRAME_MS);
  const row = page.locator('inloop-tray [part=task]');
  await film.pause(1_000);
  await page.getByRole('button', { name: '100 contacts' }).click();
  await film.pause(600);
  await openTray(page);
  await film.until(row.filter({ hasText: /[4-9]\d\sof\s100/ }));
  await page.getByRole('button', { name: 'Kill the worker' }).click();
  await film.until(row.filter({ hasText: /attempt 2 of 3/ }));
  await film.until(row.filter({ hasText: /100\simported/ }));
  await film.pause(1_500);
  return film.frames;
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('inloop-tray').waitFor();
}

async function openTray(page: Page): Promise<void> {
  const button = page.locator('inloop-tray [part=button]');
  if ((await button.getAttribute('aria-expanded')) !== 'true') await button.click();
}

/** Uploads a sample under the file name `name`. */
async function upload(page: Page, name: string, sample = 'contacts-100.csv'): Promise<void> {
  const buffer = readFileSync(join(REPOSITORY, 'demo', 'samples', sample));
  await page.locator('#file').setInputFiles({ name, mimeType: 'text/csv', buffer });
  await page.getByText(`${name} is on its way`).waitFor();
}

/** The status of the task that imports a file; undefined if there is none. */
async function readStatus(page: Page, file: string): Promise<string | undefined> {
  const response = await page.context().request.get(new URL('/tasks?state=all', page.url()).href);
  const { tasks } = (await response.json()) as { tasks: { title: string; status: string }[] };
  return tasks.find(({ title }) => title.endsWith(file))?.status;
}

/** @param what for the error: what is waited for @throws CommandError if it is not so after a minute */
async function waitFor(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + MAX_WAIT_MS; !(await isSo()); await delay(25)) {
    if (Date.now() > end) throw new CommandError(`Waited ${MAX_WAIT_MS / 1000} s for ${what}.`);
  }
}
