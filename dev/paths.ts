// The paths of the repository and of the folder that holds the stack's state. For everything in dev/ and test/support.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. This file runs in `dev/` (tests) or in `dist/dev/` (the stack), so the root is searched upwards. */
export const REPOSITORY: string = findRepository(dirname(fileURLToPath(import.meta.url)));

/** The folder of the stack's state: `INLOOP_DIR`, or `.inloop` in the repository. Absolute. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(REPOSITORY, env.INLOOP_DIR || '.inloop');
}

/** The nearest folder, from `from` upwards, whose package.json is that of inloop. */
function findRepository(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'inloop') return folder;
    if (folder === dirname(folder)) throw new Error(`No package.json of inloop at or above ${from}.`);
  }
}
