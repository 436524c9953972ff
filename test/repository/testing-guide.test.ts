// Every snippet of docs/guides/testing.md runs, under the runner that it is for: node:test, Jest, Vitest, and a page in Chromium.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { REPOSITORY } from '../../dev/paths.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { inDist } from '../support/dist.ts';
import { eventually } from '../support/eventually.ts';

const GUIDE = readFileSync(join(REPOSITORY, 'docs/guides/testing.md'), 'utf8');
const SNIPPETS = new Map(
  [...GUIDE.matchAll(/```jsx?\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(([, file = '', code = '']) => [file, code]),
);

let folder: string;
beforeAll(() => {
  // Below the repository, so that `inloop` is the package that was built, and the other packages are found.
  folder = mkdtempSync(inDist('testing-guide-'));
  for (const [file, code] of SNIPPETS) writeFileSync(join(folder, file), code);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs Node in the folder; resolves with what it wrote, if it ended well. */
async function runNode(...args: readonly string[]): Promise<string> {
  // Without what Jest sets for this test: the runners that are started here would take it for their own.
  const { JEST_WORKER_ID: _, NODE_OPTIONS: __, NODE_ENV: ___, ...env } = process.env;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: folder, env });
  return stdout + stderr;
}
const bin = (path: string) => join(REPOSITORY, 'node_modules', path);

it('the guide has these snippets and no others, so none is left out here', () => {
  expect([...SNIPPETS.keys()]).toEqual([
    'import-contacts.js',
    'handler.test.js',
    'newsletter.test.js',
    'sleep.test.js',
    'app.js',
    'routes.test.js',
    'page.jsx',
    'jest.test.js',
    'vitest.spec.js',
  ]);
  expect(GUIDE.match(/```js/g)).toHaveLength(SNIPPETS.size);
});

it('runs under node:test', async () => {
  const output = await runNode('--test', 'handler.test.js', 'newsletter.test.js', 'sleep.test.js', 'routes.test.js');
  expect(output).toMatch(/# pass 7\n# fail 0/);
}, 60_000);

it('runs under Jest', async () => {
  const config = JSON.stringify({ transform: {}, testMatch: ['**/jest.test.js'] });
  const jest = bin('jest/bin/jest.js');
  const output = await runNode('--experimental-vm-modules', jest, '--rootDir', folder, '--config', config);
  expect(output).toContain('1 passed, 1 total');
}, 60_000);

it('runs under Vitest', async () => {
  const output = await runNode(bin('vitest/vitest.mjs'), 'run', '--root', folder, '--no-color', 'vitest.spec.js');
  expect(output).toMatch(/Tests +1 passed/);
}, 60_000);

it('shows a fake feed in a page', async () => {
  const contents = `
    import { createRoot } from 'react-dom/client';
    import { feed, page } from './page.jsx';
    createRoot(document.body).render(page);
    Object.assign(globalThis, { feed });`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    jsx: 'automatic',
    logLevel: 'error',
  });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
    const shows = (text: string) => eventually(async () => expect(await page.innerText('body')).toBe(text));
    await shows('live: Import a.csv running');
    await page.evaluate('feed.goOffline(); undefined');
    await shows('offline: Import a.csv running');
  } finally {
    await browser.close();
  }
}, 60_000);
