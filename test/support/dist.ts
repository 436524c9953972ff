// Paths of what `npm run build` writes. For tests that run the built code, as adopters do. A test that imports this file is run
// after a build (dev/tests/needs.ts).
import { join } from 'node:path';
import { REPOSITORY } from '../../dev/paths.ts';

/** Path of a compiled file, such as `demo/server.js`. */
export function inDist(path: string): string {
  return join(REPOSITORY, 'dist', path);
}
