// `npm run chaos`: kills everything while 300 tasks run, and counts what was lost. See test/chaos/.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { prepare, root, run } from './bootstrap.mjs';

await prepare();
const { build } = await import('esbuild');
const cache = join(root, 'node_modules', '.cache');
await mkdir(cache, { recursive: true });
const folder = await mkdtemp(join(cache, 'inloop-chaos-'));
const outfile = join(folder, 'main.mjs');
await build({
  entryPoints: [join(root, 'test', 'chaos', 'main.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  outfile,
  logLevel: 'error',
});
process.exitCode = await run(process.execPath, ['--enable-source-maps', outfile, ...process.argv.slice(2)]);
await rm(folder, { recursive: true, force: true });
