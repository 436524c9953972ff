// Runs one of our TypeScript scripts from source: `node dev/run-script.mjs test/chaos/main.ts --seconds 30`. For
// `npm run chaos`.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { prepare } from './setup/bootstrap.mjs';
import { fail, root, run } from './setup/command.mjs';

const [entry, ...args] = process.argv.slice(2);
if (!entry) fail('Which script? For example: node dev/run-script.mjs test/chaos/main.ts');

await prepare();
const { build } = await import('esbuild');
// Below the repository, so that the packages it imports are found.
const cache = join(root, 'node_modules', '.cache');
await mkdir(cache, { recursive: true });
const folder = await mkdtemp(join(cache, 'inloop-run-'));
const outfile = join(folder, 'main.mjs');
await build({
  entryPoints: [join(root, entry)],
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  outfile,
  logLevel: 'error',
});
process.exitCode = await run(process.execPath, ['--enable-source-maps', outfile, ...args]);
await rm(folder, { recursive: true, force: true });
