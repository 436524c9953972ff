// What `npm run build` wrote. For tests that run it as adopters do; by importing this they get it built first.
import { join } from 'node:path';
import { REPOSITORY } from '../../dev/paths.ts';

/** Path of a compiled file, such as `demo/server.js`. */
export function inDist(path: string): string {
  return join(REPOSITORY, 'dist', path);
}
