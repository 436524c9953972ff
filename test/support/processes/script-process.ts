// Bundles a TypeScript file and runs it in a process that a test can kill, freeze or ask to stop.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { build } from 'esbuild';
import { REPOSITORY } from '../../../dev/paths.ts';

/** A change that is made to the source in a bundle, to prove that a test fails without some guard. */
export interface Mutation {
  /** Relative to the root. */
  readonly file: string;
  /** Must occur in it exactly once. */
  readonly from: string;
  readonly to: string;
}

/** A bundled script. Packages are not bundled. */
export interface Bundle {
  readonly file: string;
  /** Removes it. */
  remove(): void;
}

export interface ScriptProcess {
  readonly pid: number;
  /** Its output so far, both streams: the last 200,000 characters. */
  readonly output: () => string;
  /** SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>;
  /** Freezes the process, as a suspended machine would. */
  freeze(): void;
  /** Lets it run again. */
  thaw(): void;
  /** SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>;
  readonly exited: Promise<number | null>;
}

/**
 * Bundles `entry` (relative to the root) into a folder below the root, so that Node finds the packages that it imports.
 *
 * @param inloop the root of a version of inloop whose sources stand for `inloop` and `inloop/…`. Without it, these are packages
 */
export async function bundleScript(
  entry: string,
  mutations: readonly Mutation[] = [],
  inloop: string | null = null,
): Promise<Bundle> {
  const root = REPOSITORY;
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'inloop-script-'));
  const file = join(folder, `${basename(entry, '.ts')}.mjs`);
  await build({
    entryPoints: [join(root, entry)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile: file,
    logLevel: 'error',
    plugins: [
      {
        name: 'inloop',
        setup(context) {
          if (inloop === null) return;
          const entries = readEntries(inloop);
          context.onResolve({ filter: /^inloop($|\/)/ }, ({ path }) => ({ path: entries.get(path) ?? path }));
        },
      },
      {
        name: 'mutate',
        setup(context) {
          if (mutations.length === 0) return;
          context.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            let contents = readFileSync(path, 'utf8');
            for (const { file: mutated, from, to } of mutations) {
              if (relative(root, path) !== mutated) continue;
              if (contents.split(from).length !== 2) throw new Error(`Not exactly once in ${mutated}: ${from}`);
              contents = contents.replace(from, () => to);
            }
            return { contents, loader: 'ts' };
          });
        },
      },
    ],
  });
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The sources of the published entries of the version of inloop in `folder`: `inloop/server` is in `server/index.ts`. */
function readEntries(folder: string): Map<string, string> {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly default: string }>;
  };
  const entries = new Map<string, string>();
  for (const [name, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue;
    const source = target.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts');
    entries.set(`inloop${name.slice(1)}`, join(folder, source));
  }
  return entries;
}

/** Starts a bundle and waits until it has written `ready`. */
export async function startScript(
  bundle: Bundle,
  env: Record<string, string>,
  ready: string,
  args: readonly string[] = [],
): Promise<ScriptProcess> {
  const child: ChildProcess = spawn(process.execPath, ['--enable-source-maps', bundle.file, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      // Enough to explain a failure, and bounded when the process runs for hours.
      output = (output + chunk).slice(-200_000);
      if (output.includes(ready)) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    void exited.then((code) => reject(new Error(`${bundle.file} ended with ${code} before it was ready: ${output}`)));
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGTERM');
      return exited;
    },
    exited,
  };
}
