// The paths of the repository and of the folder that holds the stack's state. For dev/, bench/ and tests.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The repository's root. It is searched upwards, since this file runs in different folders: in `dev/` (tests), in `dist/dev/` (the
 * stack), or bundled with a script into a temporary folder (setup/run-source.mjs).
 */
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
