// A second copy of the package in this process, as a monorepo has it that installs inloop twice: a bundle of the same sources,
// with classes of its own.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import type * as backend from '../../../backend/index.ts';
import type * as core from '../../../core/index.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import type * as worker from '../../../worker/index.ts';

export interface SecondCopy {
  readonly inloop: typeof core & typeof backend & typeof worker;
  /** Path of the bundle. */
  readonly file: string;
  remove(): void;
}

/** @param version in place of the version of this repository */
export async function loadSecondCopy(version?: string): Promise<SecondCopy> {
  // Below the root, so that Node finds the packages that the copy imports.
  const cache = join(REPOSITORY, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'inloop-copy-'));
  const file = join(folder, 'inloop.cjs');
  await build({
    stdin: {
      contents: ['core', 'backend', 'worker'].map((house) => `export * from './${house}/index.ts';`).join('\n'),
      resolveDir: REPOSITORY,
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    packages: 'external',
    // CommonJS has no `import.meta.url`, so the banner defines a constant that stands for it.
    define: { 'import.meta.url': 'fileUrl' },
    banner: { js: "const fileUrl = require('node:url').pathToFileURL(__filename).href;" },
    outfile: file,
    logLevel: 'error',
    plugins: [
      {
        name: 'version',
        setup({ onLoad }) {
          if (version)
            onLoad({ filter: /core\/version\.ts$/ }, () => ({ contents: `export const VERSION = '${version}';` }));
        },
      },
    ],
  });
  return {
    inloop: createRequire(file)(file),
    file,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
