/**
 * The files of the operator's page as text. It serves `serve-page.ts`.
 *
 * This file bundles them from source, as tests want it. `npm run build` replaces its compiled form by one that contains the texts
 * (dev/setup/embed-page.mjs): neither the sources nor esbuild are published.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The page: its HTML, and what that loads from beside it. */
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

/** Reads the files. It takes half a second from source, and no time in a build. */
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
