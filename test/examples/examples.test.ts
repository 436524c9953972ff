// The examples in examples/, run as an adopter runs them: the built package, real Redis, Soketi and Chromium. Tests
// run at the same time, the longest first. They share three buses: each test has one to itself while it runs.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { findFreePort } from '../../cli/processes/ports.ts';
import { REPOSITORY } from '../../dev/paths.ts';
import { signPusherCall } from '../../soketi/pusher-app.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { startBus, type TestBus } from '../support/parts.ts';
import { Pool } from '../support/pool.ts';
import { openPage, seeDone } from './example-page.ts';
import { type PlacedExample, placeExample } from './place-example.ts';

/** How many buses there are: one for each test that Jest runs at the same time (`maxConcurrency` in jest.config.mjs). */
const BUSES = 3;
const buses = new Pool<TestBus>();
const started: TestBus[] = [];
let browser: Browser;

beforeAll(async () => {
  const startOne = async () => started.push(await startBus());
  [browser] = await Promise.all([launchChromium(), ...Array.from({ length: BUSES }, startOne)]);
  for (const bus of started) buses.add(bus);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await Promise.all(started.map((bus) => bus.stop()));
}, 30_000);

/** What a test has. What it places and opens is removed and closed after it. */
interface Parts {
  readonly bus: TestBus;
  readonly place: typeof placeExample;
  open(url: string): ReturnType<typeof openPage>;
  /** How many connections are in a channel, as Soketi counts. */
  connections(channel?: string): Promise<number>;
}

/** The body of a test that has a bus to itself. */
const onBus = (test: (parts: Parts) => Promise<void>) => () =>
  buses.use(async (bus) => {
    const placed: PlacedExample[] = [];
    const opened: Awaited<ReturnType<typeof openPage>>[] = [];
    try {
      await test({
        bus,
        place(...args) {
          const example = placeExample(...args);
          placed.push(example);
          return example;
        },
        async open(url) {
          const one = await openPage(browser, url);
          opened.push(one);
          return one;
        },
        async connections(channel = 'private-user-ada') {
          const { pusher } = bus.soketi;
          const path = signPusherCall(pusher, 'GET', `/channels/${channel}`);
          const answer = await fetch(`http://${pusher.host}:${pusher.port}${path}`);
          return ((await answer.json()) as { subscription_count: number }).subscription_count;
        },
      });
    } finally {
      for (const { page } of opened) await page.context().close();
      for (const example of placed) await example.remove();
      // All examples have the same user, who would otherwise see the tasks of the test before.
      await bus.redis.say('FLUSHALL');
    }
  });

/**
 * Expects that the diff in a README shows the lines that differ between two files, and no others. All paths are below examples/.
 */
function expectDiffShown(readme: string, before: string, after: string): void {
  const read = (file: string) => readFileSync(join(REPOSITORY, 'examples', file), 'utf8');
  const [old, now] = [before, after].map((file) => read(file).trimEnd().split('\n'));
  const [, shown = ''] = /```diff\n(.*?)\n```/s.exec(read(readme)) ?? [];
  const lines = shown.split('\n');
  const linesWith = (sign: string) => lines.filter((line) => line.startsWith(sign)).map((line) => line.slice(1));
  const without = (all: readonly string[] = [], some: readonly string[] = []) =>
    all.filter((one) => !some.includes(one));
  expect(linesWith('-')).toEqual(without(old, now));
  expect(linesWith('+')).toEqual(without(now, old));
}

it.concurrent(
  'react-vite: one connection in StrictMode, after ten hot updates and ten reloads',
  onBus(async ({ bus, place, open, connections }) => {
    const server = place('express-5');
    server.run('worker.js', bus.env);
    const api = await server.serve('server.js', bus.env);
    const example = place('react-vite');
    const port = String(await findFreePort());
    const url = `http://127.0.0.1:${port}`;
    const vite = join(REPOSITORY, 'node_modules/vite/bin/vite.js');
    const { output } = example.run(vite, { SERVER: api }, ['--host', '127.0.0.1', '--port', port, '--strictPort']);
    await eventually(() => output().includes('ready in'), { within: 40_000, that: 'Vite to be ready' });
    const { page, faults } = await open(url);
    const waitUntilLive = () => page.getByText('Connection: live').waitFor({ timeout: 20_000 });
    await waitUntilLive();
    const file = join(example.folder, 'src/reports.jsx');
    const next = join(example.folder, 'reports.next');
    const source = readFileSync(file, 'utf8');
    await page.evaluate(() => Object.assign(window, { isSame: true }));
    for (let n = 1; n <= 10; n++) {
      // Saved again until it shows: Vite's watcher drops a change that comes within 50 ms of the one before.
      await eventually(
        async () => {
          // In one step, as editors do. Otherwise Vite may read the file while it is empty, and loads the page again.
          writeFileSync(next, source.replace('<h1>Reports', `<h1>Reports, edited ${n}`));
          renameSync(next, file);
          await page.getByText(`Reports, edited ${n}`, { exact: true }).waitFor({ timeout: 1_000 });
          return true;
        },
        { within: 20_000 },
      );
    }
    // The updates were hot: nothing has loaded the page again.
    expect([await page.evaluate(() => 'isSame' in window), output().match(/.*reload.*/gi)]).toEqual([true, null]);
    await waitUntilLive();
    await eventually(async () => expect(await connections()).toBe(1));
    for (let n = 1; n <= 10; n++) {
      await page.reload();
      await waitUntilLive();
    }
    await eventually(async () => expect(await connections()).toBe(1));
    await page.getByRole('button', { name: 'Build the report' }).click();
    await page.getByText('Report of May: succeeded').waitFor({ timeout: 20_000 });
    expect(faults.found).toEqual([]);
  }),
  90_000,
);

it.concurrent(
  'express-5: a button starts a task, and the tray shows its outcome',
  onBus(async ({ bus, place, open }) => {
    const example = place('express-5');
    await example.bundle('page.js', 'public/page.js');
    example.run('worker.js', bus.env);
    const { page, faults } = await open(await example.serve('server.js', bus.env));
    await seeDone(page, 'Build the report', 'Report of May');
    expect(faults.found).toEqual([]);
  }),
  60_000,
);

it('express-4 shows in its README the lines of app.js that change', () => {
  expectDiffShown('express-4/README.md', 'express-4/before/app.js', 'express-4/after/app.js');
});

it.concurrent(
  'express-4 before: the page waits for the route',
  onBus(async ({ place, open }) => {
    const { page, faults } = await open(await place('express-4/before', { express: 'express4' }).serve('app.js', {}));
    await page.getByRole('button').click();
    await page.getByText('30 invoices made').waitFor({ timeout: 15_000 });
    expect(faults.found).toEqual([]);
  }),
  60_000,
);

it.concurrent(
  'express-4 after: the route answers at once, the tray shows the outcome, and CSRF tokens are still checked',
  onBus(async ({ bus, place, open }) => {
    const example = place('express-4/after', { express: 'express4' });
    await example.bundle('tray.js', 'public/tray.js');
    example.run('worker.js', bus.env);
    const url = await example.serve('app.js', bus.env);
    const { page, faults } = await open(url);
    await page.locator('inloop-tray[url]').waitFor({ state: 'attached' });
    await seeDone(page, 'Make 30 invoices', '30 invoices');
    expect(faults.found).toEqual([]);
    expect((await fetch(`${url}/tasks`)).status).toBe(401);
    expect((await fetch(`${url}/invoices`, { method: 'POST' })).status).toBe(403);
  }),
  60_000,
);

it.concurrent(
  'express-4 after: its content policy allows the bus that the variables name, and no other address',
  onBus(async ({ bus, place }) => {
    const hosted = { PUSHER_HOST: '', PUSHER_PORT: '', PUSHER_TLS: '', PUSHER_CLUSTER: 'eu' };
    const tls = { PUSHER_PUBLIC_HOST: 'push.example.com', PUSHER_PUBLIC_TLS: 'true' };
    const policies = [hosted, tls].map(async (env) => {
      const url = await place('express-4/after', { express: 'express4' }).serve('app.js', { ...bus.env, ...env });
      return (await fetch(url)).headers.get('content-security-policy')?.match(/connect-src ([^;]*)/)?.[1];
    });
    expect(await Promise.all(policies)).toEqual([
      "'self' wss://*.pusher.com https://*.pusher.com",
      "'self' wss://push.example.com:443",
    ]);
  }),
  30_000,
);

it('import-map differs from express-5 only in the lines that its README shows', () => {
  expectDiffShown('import-map/README.md', 'express-5/server.js', 'import-map/server.js');
  for (const file of ['tasks.js', 'worker.js']) {
    const [mine, theirs] = ['import-map', 'express-5'].map((name) =>
      readFileSync(join(REPOSITORY, 'examples', name, file), 'utf8'),
    );
    expect(mine).toBe(theirs);
  }
});

it.concurrent(
  'import-map runs without a bundler under a strict policy, even with encrypted channels, for which the page loads every module',
  onBus(async ({ bus, place, open, connections }) => {
    const env = { ...bus.env, PUSHER_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') };
    const example = place('import-map', { 'pusher-js': 'pusher-js', '@noble/ciphers': '@noble/ciphers' });
    example.run('worker.js', env);
    const { page, faults } = await open(await example.serve('server.js', env));
    // The page learns of a task by push alone, once it is in its channel.
    await eventually(async () => expect(await connections('private-encrypted-user-ada')).toBe(1));
    await seeDone(page, 'Build the report', 'Report of May');
    expect(faults.found).toEqual([]);
  }),
  60_000,
);

// `npm run test:package` builds it with Next and looks at it in Chromium.
it.concurrent(
  'next: what it renders compiles, and the page’s requests are passed on to the server',
  onBus(async ({ place }) => {
    const example = place('next');
    writeFileSync(
      join(example.folder, 'render.jsx'),
      `import { renderToString } from 'react-dom/server';
    import Layout from './app/layout.jsx';
    import Page from './app/page.jsx';
    console.log(renderToString(<Layout><Page /></Layout>));`,
    );
    await example.bundle('render.jsx', 'render.cjs', { platform: 'node', jsx: 'automatic' });
    const { output } = example.run('render.cjs', {});
    await eventually(() => expect(output()).toContain('Connection: '), { within: 15_000 });
    const { default: config } = await import(join(example.folder, 'next.config.mjs'));
    expect(config.rewrites().map(({ source }: { source: string }) => source)).toEqual([
      '/tasks',
      '/tasks/:path*',
      '/reports',
    ]);
  }),
  30_000,
);
