// The build: compiles TypeScript into dist/, puts the operator's page and bee-queue's scripts into it as text, and bundles the demo's
// page for browsers. For bootstrap.mjs, once the packages are installed.
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import * as esbuild from 'esbuild';
import { fail, root, run } from './command.mjs';
import { embedPage } from './embed-page.mjs';
import { embedScripts } from './embed-scripts.mjs';
import { writeRequireEntries } from './write-require-entries.mjs';

/** The TypeScript projects of tsconfig.json that are not built. `npm run check` checks their types. */
const ONLY_CHECKED = ['test', 'bench'];
/** The files beside the demo's page that are copied as they are. */
const STATIC_FILES = ['.html', '.css', '.svg'];

/** Builds everything; ends this process with exit code 1 when something does not compile. */
export async function buildAll() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { references } = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8'));
  /** @type {string[]} */
  const projects = references.map((/** @type {{ path: string }} */ { path }) => path);
  const code = await run(process.execPath, [tsc, '-b', ...projects.filter((path) => !ONLY_CHECKED.includes(path))]);
  if (code !== 0) fail('The build failed; the lines above say where.');
  await embedScripts();
  await embedPage();
  await writeRequireEntries();
  await bundlePage();
}

/** Bundles demo/page/main.ts into dist/demo/public, and copies the static files that stand beside it. */
async function bundlePage() {
  const page = join(root, 'demo', 'page');
  const target = join(root, 'dist', 'demo', 'public');
  // The folder is not emptied first, because a stack may be serving files from it.
  await mkdir(target, { recursive: true });
  try {
    await esbuild.build({
      entryPoints: [join(page, 'main.ts')],
      outdir: target,
      bundle: true,
      // What is imported on demand (the cipher of encrypted channels) becomes a file of its own.
      splitting: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      minify: true,
      sourcemap: false,
      logLevel: 'warning',
    });
  } catch {
    fail('The page could not be bundled; the lines above say why.');
  }
  for (const name of await readdir(page)) {
    if (STATIC_FILES.includes(extname(name))) await cp(join(page, name), join(target, name));
  }
}
