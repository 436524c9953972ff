// The picture of the operator's page: imports of several users on the real stack. Some are done, one has failed, some run and
// some wait.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { APIRequestContext, Browser } from 'playwright-core';
import { CommandError } from '../../cli/command-error.ts';
import { REPOSITORY } from '../paths.ts';

/** Who may use the operator's page of the stack. */
export const OPERATOR = 'olivia';
const WIDTH = 1_200;
/** The imports: who starts it, the sample that is imported, and whether it takes its time. */
const IMPORTS: readonly (readonly [user: string, sample: string, isSlow: boolean])[] = [
  ['ada', 'contacts-100.csv', false],
  ['ada', 'contacts-broken.csv', false],
  ['ben', 'contacts-torn.csv', false],
  ...Array.from({ length: 7 }, (_, n) => [n % 2 ? 'cleo' : 'dan', 'contacts-100.csv', true] as const),
];

/** Starts the imports, and takes pictures of the overview, in light and in dark, while four of them run. @param url of the demo */
export async function showOperator(
  browser: Browser,
  url: string,
): Promise<{ readonly light: Uint8Array; readonly dark: Uint8Array }> {
  const context = await browser.newContext({
    viewport: { width: WIDTH, height: 900 },
    deviceScaleFactor: 1.5,
    colorScheme: 'light',
    reducedMotion: 'reduce',
    locale: 'en-GB',
  });
  try {
    for (const one of IMPORTS) await startImport(context.request, url, ...one);
    await signIn(context.request, url, OPERATOR);
    const page = await context.newPage();
    await page.goto(`${url}/operator/`);
    await page.locator('[aria-label="Running: 4"]').waitFor();
    await page.locator('#link[data-state=live]').waitFor();
    const content = await page.locator('main').boundingBox();
    await page.setViewportSize({ width: WIDTH, height: Math.ceil((content?.y ?? 0) + (content?.height ?? 0)) });
    const light = await page.screenshot();
    await page.emulateMedia({ colorScheme: 'dark' });
    return { light, dark: await page.screenshot() };
  } finally {
    await context.close();
  }
}

async function signIn(request: APIRequestContext, url: string, user: string): Promise<void> {
  const answer = await request.post(`${url}/session`, { data: { user } });
  if (!answer.ok()) throw new CommandError(`The demo answered the sign-in of ${user} with ${answer.status()}.`);
}

async function startImport(
  request: APIRequestContext,
  url: string,
  user: string,
  sample: string,
  isSlow: boolean,
): Promise<void> {
  await signIn(request, url, user);
  const buffer = readFileSync(join(REPOSITORY, 'demo', 'samples', sample));
  const file = { name: sample, mimeType: 'text/csv', buffer };
  const answer = await request.post(`${url}/imports`, { multipart: isSlow ? { pace: 'slow', file } : { file } });
  if (answer.status() !== 202) throw new CommandError(`The demo answered the upload with ${answer.status()}.`);
}
