// Finds the Soketi that is installed beside an application, and a Node that can run it. For every start of a hardened Soketi.
//
// Soketi gets its native part (uWebSockets.js) from a git address. That build has no binaries for Node 18 and 20. An entry
// under `overrides` in package.json brings another build, which has them. On a Node without a binary, Soketi starts
// all the same, but its HTTP API answers 404. Beside such a Node, a Node 20 from an npm package runs Soketi.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The version of Soketi that the preload was written for. */
export const SOKETI_PACKAGE = '@soketi/soketi@1.6.1';
/**
 * The entries under `overrides` of an application that has Soketi: its native part, and the HTTP client by which it sends
 * webhooks. Soketi asks for axios 0.27, which has known weaknesses that only later versions mend (docs/dependencies.md).
 */
export const SOKETI_OVERRIDES = {
  'uWebSockets.js': 'npm:@trufflesuite/uws-js-unofficial@20.30.0-unofficial.0',
  '@soketi/soketi': { axios: '^0.35.0' },
} as const;
/** The npm package that carries a Node 20 for this machine. */
export const NODE20_PACKAGE = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
/**
 * The folder into which that package is installed. Among the packages of the application it would put a `node` into
 * `node_modules/.bin`, and all npm scripts of the application would run on Node 20. So it gets a folder of its own.
 */
export const NODE20_FOLDER = 'node20';

/** The versions of Node for which there are binaries, and their ABI versions (`process.versions.modules`). */
const ABI_VERSIONS: Readonly<Record<string, string>> = { 18: '108', 20: '115' };

/** What stands in the way: no Soketi, another version of it, no native part for this machine, or no Node that can run it. */
export type SoketiFault = 'no_soketi' | 'wrong_version' | 'no_native_part' | 'no_node';

/** Soketi cannot be run here. The message says what was found, and the command that cures it. */
export class SoketiMissingError extends Error {
  override readonly name = 'SoketiMissingError';
  readonly fault: SoketiFault;

  constructor(fault: SoketiFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** Where Soketi is, and what runs it. */
export interface SoketiInstallation {
  /** Path of its `bin/server.js`. */
  readonly server: string;
  /** Path of a Node for which it has a native part: the Node of this process, or one from npm. */
  readonly node: string;
}

/** The command that puts a Node 20 beside the application of the current folder. */
export function installNodeCommand(): string {
  return `npm install --prefix ${NODE20_FOLDER} ${NODE20_PACKAGE}@20`;
}

/** The commands that install Soketi into the application of the current folder. */
export function installCommands(): string {
  const { 'uWebSockets.js': native, '@soketi/soketi': own } = SOKETI_OVERRIDES;
  const entries = `'overrides[uWebSockets.js]=${native}' 'overrides[@soketi/soketi][axios]=${own.axios}'`;
  return `npm pkg set ${entries} && npm install ${SOKETI_PACKAGE}`;
}

/**
 * Finds Soketi, and a Node that can run it.
 * @param folders are searched in turn, each with the folders above it, for `node_modules`
 * @throws SoketiMissingError
 */
export function findSoketi(folders: readonly string[]): SoketiInstallation {
  const manifest = findPackage('@soketi/soketi', folders);
  if (manifest === null) {
    throw new SoketiMissingError('no_soketi', `Soketi is not installed. Install it with: ${installCommands()}`);
  }
  const { version } = readManifest(manifest);
  if (!/^1\.6\./.test(version)) {
    throw new SoketiMissingError(
      'wrong_version',
      `Soketi ${version} is installed; only 1.6 can be hardened. Install that with: ${installCommands()}`,
    );
  }
  const home = dirname(manifest);
  const native = findPackage('uWebSockets.js', [home]);
  const hasBinary = (abiVersion: string): boolean =>
    native !== null &&
    existsSync(join(dirname(native), 'binaries', `uws_${process.platform}_${process.arch}_${abiVersion}.node`));
  if (!Object.values(ABI_VERSIONS).some(hasBinary)) {
    throw new SoketiMissingError(
      'no_native_part',
      `Soketi is installed, but its native part (uWebSockets.js) has no binary for Node 20 on ${process.platform} ${process.arch}: ` +
        `package.json lacks the entry under "overrides". Put it there with: ${installCommands()}`,
    );
  }
  const server = join(home, 'bin', 'server.js');
  if (hasBinary(process.versions.modules)) return { server, node: process.execPath };
  const node = findNode([...folders, home], hasBinary);
  if (node !== null) return { server, node };
  throw new SoketiMissingError(
    'no_node',
    `Soketi runs on Node 20 (or 18) only, and this is ${process.versions.node}. Put one beside it: ${installNodeCommand()}`,
  );
}

/** Path of a Node from npm for which there is a binary, or null. */
function findNode(folders: readonly string[], hasBinary: (abiVersion: string) => boolean): string | null {
  const manifest = findPackage(
    NODE20_PACKAGE,
    folders.flatMap((folder) => [join(folder, NODE20_FOLDER), folder]),
  );
  if (manifest === null) return null;
  const abiVersion = ABI_VERSIONS[readManifest(manifest).version.split('.')[0] ?? ''];
  if (abiVersion === undefined || !hasBinary(abiVersion)) return null;
  const path = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return existsSync(path) ? path : null;
}

/** Path of the package.json of an installed package, or null. */
function findPackage(name: string, folders: readonly string[]): string | null {
  for (const folder of folders) {
    try {
      // The file need not exist: its folder is where the search begins.
      return createRequire(join(folder, 'here.js')).resolve(`${name}/package.json`);
    } catch {
      // Not there; the next folder may have it.
    }
  }
  return null;
}

function readManifest(path: string): { version: string } {
  return JSON.parse(readFileSync(path, 'utf8')) as { version: string };
}
