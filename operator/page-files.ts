/**
 * The files of the operator's page as text. It serves `serve-page.ts`.
 *
 * In tests, `readPageFiles` bundles them from source. In a build it cannot: neither the sources nor esbuild are published. So
 * `npm run build` replaces the compiled form of this file by one that contains the texts (dev/setup/embed-page.mjs).
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The page: its HTML, and the three files that the HTML loads. */
export interface PageFiles {
  readonly html: string;
  /** `page.js` */
  readonly script: string;
  /** `page.css` */
  readonly styles: string;
  /** `page.svg` */
  readonly icon: string;
}

type BuildSync = (options: object) => { readonly outputFiles: readonly { readonly text: string }[] };

/** Reads the files, synchronously. From source this takes half a second; in a build, no time. */
export function readPageFiles(): PageFiles {
  const folder = join(dirname(fileURLToPath(import.meta.url)), 'page');
  const { buildSync } = createRequire(import.meta.url)('esbuild') as { buildSync: BuildSync };
  const bundle = (name: string) => {
    const entryPoints = [join(folder, name)];
    const options = { bundle: true, minify: true, format: 'esm', target: 'es2022', write: false };
    return buildSync({ entryPoints, ...options }).outputFiles[0]?.text ?? '';
  };
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  return {
    html: read('index.html'),
    script: bundle('main.ts'),
    styles: bundle('styles/style.css'),
    icon: read('page.svg'),
  };
}
