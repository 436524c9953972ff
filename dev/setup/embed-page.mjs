// Puts the operator's page into the build, as text. The compiled operator/page-files.js would have to bundle it, from sources that
// are not published, with an esbuild that adopters need not have.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './command.mjs';

const FOLDER = join(root, 'operator', 'page');

/** Replaces `dist/operator/page-files.js`. Its declarations (`.d.ts`) stay as they are. */
export async function embedPage() {
  const files = {
    html: await readFile(join(FOLDER, 'index.html'), 'utf8'),
    script: await bundle('main.ts'),
    styles: await bundle('styles/style.css'),
    icon: await readFile(join(FOLDER, 'page.svg'), 'utf8'),
  };
  const code = `const FILES = ${JSON.stringify(files, null, 2)};\nexport const readPageFiles = () => FILES;\n`;
  await writeFile(join(root, 'dist', 'operator', 'page-files.js'), code);
}

/** @param {string} name */
async function bundle(name) {
  const { outputFiles } = await build({
    entryPoints: [join(FOLDER, name)],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
