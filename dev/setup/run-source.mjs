// Runs one of our TypeScript scripts from source, without a build. For `npm test`, `npm run chaos` and `npm run attack`,
// once the packages are installed.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root, run } from './command.mjs';

/**
 * @param {string} entry relative to the root
 * @param {string[]} args
 * @returns {Promise<number>} its exit code
 */
export async function runSource(entry, args) {
  // Below the repository, so that the packages it imports are found.
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
