// What a test file needs of the machine: read from what it imports, so no test has to say so and none can say it wrong.
// For run-tests.ts, which brings what is needed and nothing else.
import { existsSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { REPOSITORY } from '../paths.ts';

/** Something that tests start. `dist`: what is built must be there and up to date. */
export type Need = 'Redis' | 'Soketi' | 'Chromium' | 'dist';

/** The files that start or find such a thing. A test that imports one, through however many others, needs it. */
const STARTERS: Readonly<Record<string, readonly Need[]>> = {
  'dev/stack/redis.ts': ['Redis'],
  'dev/setup/node20.ts': ['Soketi'],
  'dev/setup/chromium.ts': ['Chromium'],
  'test/support/dist.ts': ['dist'],
  // The local stack is a process of its own, and so is a script: what those import is not seen from the test.
  'test/support/stack.ts': ['Redis', 'Soketi', 'dist'],
  'test/support/run-script.ts': ['Redis', 'Soketi'],
};

/**
 * What each of `files` (absolute, or relative to the repository) needs. A test that needs nothing is a unit test.
 *
 * @throws when one of them, or a file that it imports, cannot be read
 */
export async function readNeeds(files: readonly string[]): Promise<Map<string, ReadonlySet<Need>>> {
  for (const starter of Object.keys(STARTERS)) {
    // Or its tests would quietly need nothing.
    if (!existsSync(join(REPOSITORY, starter)))
      throw new Error(`${starter} is gone: bring dev/tests/needs.ts up to date.`);
  }
  const imports = await readImports(files);
  return new Map(files.map((file) => [file, needsFrom(toKey(file), imports)]));
}

/** Every file that `files` lead to, with what it imports when it runs; imports of types only start nothing. */
async function readImports(files: readonly string[]): Promise<Metafile['inputs']> {
  const { metafile } = await build({
    // One entry, since a bundle for each would take ten times as long; nothing of it is written.
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
  // A set is walked in the order of adding, with what is added meanwhile.
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
