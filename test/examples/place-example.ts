// Puts an example into a folder as an adopter would have it: with the built inloop as an installed package. For the tests of
// the examples.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { findFreePort } from '../../cli/processes/ports.ts';
import { REPOSITORY } from '../../dev/paths.ts';
import { inDist } from '../support/dist.ts';
import { eventually } from '../support/eventually.ts';

/** A copy of an example. */
export interface PlacedExample {
  readonly folder: string;
  /** Bundles a script, for browsers unless `options` say otherwise, as `esbuild FROM --bundle --outfile=TO` does. */
  bundle(from: string, to: string, options?: BuildOptions): Promise<void>;
  /** Runs `node FILE …` in its folder until `remove`. */
  run(file: string, env: Record<string, string>, args?: readonly string[]): Example;
  /** Runs `file` on a free port and waits until it answers. Returns its URL. */
  serve(file: string, env: Record<string, string>, args?: readonly string[]): Promise<string>;
  /** Ends what it runs, and removes the copy. */
  remove(): Promise<void>;
}

/** A process of an example. */
export interface Example {
  /** All that it has printed. */
  output(): string;
}

/**
 * Copies an example.
 *
 * @param name its folder in examples/
 * @param packages packages in another version than this repository's own: the name that the example imports, and the name
 * that this repository gave that version, such as `{ express: 'express4' }`
 */
export function placeExample(name: string, packages: Readonly<Record<string, string>> = {}): PlacedExample {
  const cache = join(REPOSITORY, '.inloop');
  mkdirSync(cache, { recursive: true });
  // In the repository, so that Node finds the other packages; not below node_modules, where Vite does not watch files.
  const folder = mkdtempSync(join(cache, 'inloop-example-'));
  cpSync(join(REPOSITORY, 'examples', name), folder, { recursive: true });
  // A copy and no link, so that inloop itself finds `packages`, too.
  const inloop = join(folder, 'node_modules', 'inloop');
  cpSync(join(REPOSITORY, 'package.json'), join(inloop, 'package.json'));
  for (const house of ['core', 'backend', 'server', 'worker', 'client']) {
    cpSync(dirname(inDist(`${house}/index.js`)), join(inloop, 'dist', house), { recursive: true });
  }
  for (const [as, from] of Object.entries(packages)) {
    const place = join(folder, 'node_modules', as);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(REPOSITORY, 'node_modules', from), place);
  }

  const children: ChildProcess[] = [];
  const run: PlacedExample['run'] = (file, env, args = []) => {
    const child = spawn(process.execPath, [file, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    return { output: () => output };
  };
  return {
    folder,
    run,
    async bundle(from, to, options) {
      const paths = { absWorkingDir: folder, entryPoints: [from], outfile: to };
      await build({ ...paths, bundle: true, logLevel: 'error', ...options });
    },
    async serve(file, env, args) {
      const port = String(await findFreePort());
      const url = `http://127.0.0.1:${port}`;
      const server = run(file, { ...env, PORT: port }, args);
      await eventually(() => fetch(url).then(() => true), { within: 40_000, that: `${file} to answer` }).catch(
        (error: Error) => {
          throw new Error(`${error.message}\n${server.output()}`);
        },
      );
      return url;
    },
    async remove() {
      for (const child of children) child.kill();
      await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
