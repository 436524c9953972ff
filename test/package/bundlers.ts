// Builds and runs what an adopter has: the small application of adopter/ with webpack and with Vite, the example examples/next
// with Next. For `npm run test:package`.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { findFreePort } from '../../cli/processes/ports.ts';
import { REPOSITORY } from '../../dev/paths.ts';
import { openPage } from '../examples/example-page.ts';
import { placeExample } from '../examples/place-example.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { startBus } from '../support/parts.ts';
import { run } from './packed.ts';
import { expectCounted } from './run-adopter.ts';

/** Writes `files`, by their paths in `folder`. */
function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

const bin = (folder: string, ...path: string[]) => join(folder, 'node_modules', ...path);

/**
 * Bundles page, server and worker of the application in `folder` with webpack, and runs one task with the bundles.
 *
 * @param out an empty folder, which gets the bundles
 */
export async function buildWithWebpack(folder: string, out: string, redisUrl: string): Promise<void> {
  write(folder, {
    'webpack.config.cjs': `
      const shared = {
        mode: 'production',
        module: { rules: [{ test: /\\.ts$/, use: { loader: 'esbuild-loader', options: { target: 'es2022' } } }] },
        resolve: { extensionAlias: { '.js': ['.ts', '.js'] }, extensions: ['.ts', '.js'] },
      };
      module.exports = [
        { ...shared, name: 'page', entry: './page.ts', output: { path: ${JSON.stringify(out)}, filename: 'page.js' } },
        {
          ...shared,
          name: 'server',
          target: 'node',
          entry: { server: './server.ts', worker: './worker.ts' },
          output: { path: ${JSON.stringify(out)}, filename: '[name].cjs' },
        },
      ];`,
  });
  await run(process.execPath, [bin(folder, 'webpack', 'bin', 'webpack.js')], folder);
  await expectCounted({ server: join(out, 'server.cjs'), worker: join(out, 'worker.cjs'), redisUrl });
}

/**
 * Bundles page, server and worker of the application in `folder` with Vite, and runs one task with the bundles.
 *
 * @param out an empty folder, which gets the bundles
 */
export async function buildWithVite(folder: string, out: string, redisUrl: string): Promise<void> {
  write(folder, {
    'index.html':
      '<!doctype html><script type="module" src="/page.ts"></script><inloop-tray url="/tasks"></inloop-tray>',
    'vite.server.config.js': `
      export default {
        ssr: { noExternal: true, target: 'node' },
        build: {
          ssr: true,
          outDir: ${JSON.stringify(out)},
          rollupOptions: {
            input: { server: 'server.ts', worker: 'worker.ts' },
            output: { entryFileNames: '[name].mjs' },
          },
        },
      };`,
  });
  const vite = bin(folder, 'vite', 'bin', 'vite.js');
  await run(process.execPath, [vite, 'build', '--outDir', join(out, 'page')], folder);
  await run(process.execPath, [vite, 'build', '--config', 'vite.server.config.js'], folder);
  await expectCounted({ server: join(out, 'server.mjs'), worker: join(out, 'worker.mjs'), redisUrl });
}

/**
 * The example examples/next, with a page and a route in TypeScript added, whose types Next checks. The page of the example is
 * looked at in Chromium, behind it the server and the worker of examples/express-5.
 */
export async function buildWithNext(folder: string): Promise<void> {
  cpSync(join(REPOSITORY, 'examples/next'), folder, {
    recursive: true,
    // The package.json of `folder` names what is installed.
    filter: (file) => basename(file) !== 'package.json',
  });
  write(folder, {
    'app/typed/page.tsx': `
      'use client';
      import { TasksProvider, useTasks } from 'inloop/react';
      import Pusher from 'pusher-js';
      function Tasks() {
        const { tasks } = useTasks();
        return <ul>{tasks.map((task) => <li key={task.id}>{task.title}</li>)}</ul>;
      }
      export default function Page() {
        return <TasksProvider url="/tasks" Pusher={Pusher}><Tasks /></TasksProvider>;
      }`,
    'app/imports/route.ts': `
      import { createTaskServer } from 'inloop/server';
      import { backend } from '../../backend';
      import { count } from '../../tasks';
      export const dynamic = 'force-dynamic';
      export async function POST() {
        const tasks = createTaskServer({ backend, tasks: [count], identify: () => null });
        return Response.json(await tasks.start(count, { to: 3 }, { owner: 'ada' }), { status: 202 });
      }`,
  });
  const [bus, browser] = await Promise.all([startBus(), launchChromium()]);
  const express = placeExample('express-5');
  let server: ChildProcess | undefined;
  try {
    express.run('worker.js', bus.env);
    const SERVER = await express.serve('server.js', bus.env);
    const env = { ...process.env, ...bus.env, SERVER, NEXT_TELEMETRY_DISABLED: '1' };
    const next = bin(folder, 'next', 'dist', 'bin', 'next');
    await run(process.execPath, [next, 'build'], folder, env);
    const port = String(await findFreePort());
    server = spawn(process.execPath, [next, 'start', '-p', port], { cwd: folder, env, stdio: 'ignore' });
    const url = `http://127.0.0.1:${port}`;
    const isUp = async () => (await fetch(url)).ok;
    await eventually(() => isUp().catch(() => false), { within: 20_000 });

    const { page, faults } = await openPage(browser, url);
    await page.getByText('Connection: live').waitFor();
    await page.getByRole('button', { name: 'Build the report' }).click();
    await page.getByText('Report of May: succeeded').waitFor();
    if (faults.found.length > 0) throw new Error(faults.found.join('\n'));
    const { status } = await fetch(`${url}/imports`, { method: 'POST' });
    if (status !== 202) throw new Error(`The route answered ${status}.`);
  } finally {
    if (server?.kill()) await once(server, 'exit');
    await browser.close();
    await express.remove();
    await bus.stop();
  }
}
