// What `npm start`, `npm test` and most other commands of package.json do first, so that they work on a fresh clone: check the Node
// version, install the npm packages, and, where a command needs it, build. Plain JavaScript without packages, because it runs
// before there are any.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root, run } from './command.mjs';

/** The same as in package.json, `engines`. */
const OLDEST_NODE = [20, 19];

/** Makes sure that this Node is new enough and that the npm packages of package-lock.json are there. */
export async function prepare() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    fail(
      `This needs Node ${OLDEST_NODE.join('.')} or newer and runs on ${process.versions.node}. Install a newer Node.`,
    );
  }
  const missing = findMissingPackage();
  if (missing === null) return;
  if (process.env.INLOOP_NO_INSTALL === '1') {
    fail(`${missing}, and INLOOP_NO_INSTALL is set. Install the packages with: npm ci`);
  }
  console.log(`inloop: ${missing}, so running: npm ci`);
  // Through a shell on Windows only, where npm is a batch file.
  const code = await run('npm', ['ci', '--no-audit', '--no-fund'], { shell: process.platform === 'win32' });
  if (code !== 0) fail(`"npm ci" ended with exit code ${code}; its lines above say why.`);
}

/**
 * Compares the versions of the installed packages with those in package-lock.json. The dates of the two files would mislead: a
 * checkout or a pull gives files new dates without changing their content.
 * @returns {string | null} the start of a sentence that says what is missing, or null
 */
function findMissingPackage() {
  const installedFile = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'The npm packages are missing';
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(installedFile);
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    // An optional package may be for another platform only.
    if (path === '' || optional || installed[path]?.version === version) continue;
    return `The npm package ${path.replace(/^.*node_modules\//, '')} is not there in version ${version}`;
  }
  return null;
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch (error) {
    return fail(`Could not read ${file} (${/** @type {Error} */ (error).message}). Run "npm ci".`);
  }
}

/**
 * Writes dist/ (build-all.mjs). Does nothing if INLOOP_BUILT is 1, as in the tests of `npm test`. Dist is built already then, and
 * test files that run at the same time would overwrite each other's build.
 */
export async function build() {
  if (process.env.INLOOP_BUILT === '1') return;
  const { buildAll } = await import('./build-all.mjs');
  await buildAll();
}
