// Finds or installs the Node 20 that Soketi runs on here. The native part of Soketi exists only for Node 18 and 20. On other
// versions Soketi starts too, but its HTTP API answers 404. Node 20 can be installed as an npm package.
import { join } from 'node:path';
import { isExecutable } from '../../cli/parts/find.ts';
import { installPackages } from '../../cli/parts/npm-packages.ts';
import { NODE20_PACKAGE } from '../../soketi/find-soketi.ts';
import { REPOSITORY } from '../paths.ts';

const FOLDER = join(REPOSITORY, '.inloop', 'node20');

/** Path of a Node 20: the one that runs this process, or the one that `requireNode20` has installed. Null if neither is there. */
export function findNode20(): string | null {
  if (process.versions.node.startsWith('20.')) return process.execPath;
  const path = installedPath();
  return isExecutable(path) ? path : null;
}

/**
 * Finds a Node 20. If there is none, installs one with npm into `.inloop/node20` of the repository.
 *
 * @returns its path
 * @throws CommandError that names the command to run by hand, if `INLOOP_NO_INSTALL` is 1 or the installation fails
 */
export async function requireNode20(): Promise<string> {
  const found = findNode20();
  if (found !== null) return found;
  await installPackages({
    folder: FOLDER,
    packages: [`${NODE20_PACKAGE}@20`],
    why: `Soketi needs a Node 20 beside this Node ${process.versions.node}`,
    instead: `Run inloop with Node 20, or: npm install --prefix ${FOLDER} ${NODE20_PACKAGE}@20`,
  });
  return installedPath();
}

function installedPath(): string {
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  return join(FOLDER, 'node_modules', NODE20_PACKAGE, 'bin', binary);
}
