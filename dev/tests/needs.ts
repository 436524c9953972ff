// Finds out what a test file needs of the machine. This follows from what the file imports, so that no test has to declare
// its needs. For run-tests.ts, which provides what is needed and nothing else.
import { existsSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { REPOSITORY } from '../paths.ts';

/** What a test may need. `dist` is a build in dist/ that is up to date. */
export type Need = 'Redis' | 'Soketi' | 'Chromium' | 'nginx' | 'dist';

/** Files that start or find what tests need. A test that imports one of them, directly or through other files, has its needs. */
const STARTERS: Readonly<Record<string, readonly Need[]>> = {
  'cli/parts/redis.ts': ['Redis'],
  'dev/setup/node20.ts': ['Soketi'],
  'dev/setup/chromium.ts': ['Chromium'],
  'dev/setup/nginx.ts': ['nginx'],
  'test/support/dist.ts': ['dist'],
  // These start a process, the local stack or a script. What that process imports cannot be seen from the test.
  'test/support/processes/stack.ts': ['Redis', 'Soketi', 'dist'],
  'test/support/processes/run-script.ts': ['Redis', 'Soketi'],
};

/**
 * Finds out what each of `files` (absolute, or relative to the repository) needs.
 *
 * @throws Error when one of them, or a file that it imports, cannot be read
 */
export async function readNeeds(files: readonly string[]): Promise<Map<string, ReadonlySet<Need>>> {
  for (const starter of Object.keys(STARTERS)) {
    // Without this check, the tests that import a starter would seem to need nothing after it was moved.
    if (!existsSync(join(REPOSITORY, starter)))
      throw new Error(`${starter} is gone: bring dev/tests/needs.ts up to date.`);
  }
  const imports = await readImports(files);
  return new Map(files.map((file) => [file, needsFrom(toKey(file), imports)]));
}

/** What `files`, and all files that they lead to, import when they run. Imports of types only are left out. */
async function readImports(files: readonly string[]): Promise<Metafile['inputs']> {
  const { metafile } = await build({
    // One entry that imports all files: a bundle for each file would take ten times as long. No bundle is written.
    stdin: {
      contents: files.map((file) => `import ${JSON.stringify(resolve(REPOSITORY, file))};`).join('\n'),
      resolveDir: REPOSITORY,
    },
    absWorkingDir: REPOSITORY,
    bundle: true,
    write: false,
    metafile: true,
    packages: 'external',
    platform: 'node',
    logLevel: 'silent',
  });
  return metafile.inputs;
}

function needsFrom(start: string, imports: Metafile['inputs']): Set<Need> {
  const needs = new Set<Need>();
  const seen = new Set([start]);
  // The loop also visits the files that are added to the set while it runs.
  for (const file of seen) {
    for (const need of STARTERS[file] ?? []) needs.add(need);
    for (const { path } of imports[file]?.imports ?? []) seen.add(path);
  }
  return needs;
}

/** A path as esbuild writes it. */
function toKey(file: string): string {
  return relative(REPOSITORY, resolve(REPOSITORY, file)).split(sep).join('/');
}
