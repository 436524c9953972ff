// Runs a TypeScript script of this repository: bundles it into a temporary file, without a build of dist/. For `npm test` and
// run-script.mjs, once the packages are installed.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root, run } from './command.mjs';

/**
 * Runs a script.
 * @param {string} entry the script, relative to the repository's root
 * @param {string[]} args
 * @returns {Promise<number>} its exit code
 */
export async function runSource(entry, args) {
  // The bundle is in the repository, so that Node finds the packages that it imports.
  const cache = join(root, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'inloop-run-'));
  const outfile = join(folder, 'main.mjs');
  try {
    await build({
      entryPoints: [join(root, entry)],
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      outfile,
      logLevel: 'error',
    });
    return await run(process.execPath, ['--enable-source-maps', outfile, ...args]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
