/**
 * The contract with bee-queue. inloop uses parts of it that are not its public interface: its Lua scripts run inside ours,
 * and the Redis client that it works with is ours and knows which commands bee-queue sends. A release may change these
 * without notice. So inloop pins one exact version, and this check compares what is installed with it.
 *
 * docs/decisions/0002-bee-queue-by-contract.md says why. After an upgrade run the tests of this folder, then take over
 * the new fingerprints: `sha256sum node_modules/bee-queue/lib/queue.js …`.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
// By another name: many who bundle to ES modules put an import of `createRequire` before everything else (esbuild's `banner`).
import { createRequire as requireFrom } from 'node:module';
import { dirname, join } from 'node:path';
import Queue from 'bee-queue';
import { ConfigError } from '../../../core/config-error.ts';

const VERSION = '2.0.0';

/** The files that inloop relies on, each with the first 16 hex digits of its SHA-256. */
const FINGERPRINTS: Readonly<Record<string, string>> = {
  // Part of our own scripts, or run by us. We rely on their keys, their arguments, and what they store for a job.
  'lib/lua/addJob.lua': 'fafc58c975cad36a',
  'lib/lua/addDelayedJob.lua': '0e846186da3a60e7',
  'lib/lua/checkStalledJobs.lua': '9861b2e40af50efc',
  // These two send the commands that queue-client.ts understands. `queue.js` also emits the event `stalled`.
  'lib/queue.js': '1b0b06a8476e5a23',
  'lib/job.js': '51ea009eaef01e40',
  // Treats our client as one of node_redis, by the name of its class and the words of its errors.
  'lib/redis.js': 'dd38cfeac82ef7af',
  // Has the hashes of the scripts that were read. None is read (`ensureScripts` in queue.ts), so it names a script `undefined`.
  'lib/lua/index.js': 'ccf0f6c8ede9d8a7',
};

let isChecked = false;

/**
 * Compares the installed bee-queue with the contract, once in a process. A bundled application is not checked: it contains the
 * bee-queue that was installed when it was bundled. Files that lie beside the bundle may be those of another copy.
 * @throws ConfigError `invalid_dependency`
 */
export function checkBeeQueueOnce(): void {
  if (isChecked) return;
  const folder = folderOf(Queue);
  if (folder !== null) checkBeeQueue(folder);
  isChecked = true;
}

/** The folder of the package whose main file exports `running`; null if `running` was not loaded from a package. */
function folderOf(running: unknown): string | null {
  try {
    // In a bundle there may be no `import.meta.url`, no such package, or a package that is not the one that runs.
    const require = requireFrom(import.meta.url);
    const main = require.resolve('bee-queue');
    return require.cache[main]?.exports === running ? dirname(main) : null;
  } catch {
    return null;
  }
}

/** @param folder of the package @throws ConfigError `invalid_dependency` saying what was expected, found, and what to do */
export function checkBeeQueue(folder: string): void {
  const version = versionIn(folder);
  const changed = Object.keys(FINGERPRINTS).filter((file) => fingerprint(join(folder, file)) !== FINGERPRINTS[file]);
  if (version === VERSION && changed.length === 0) return;
  const files = changed.length === 0 ? '' : ` with other contents in ${changed.join(', ')}`;
  throw new ConfigError(
    'invalid_dependency',
    `inloop relies on bee-queue ${VERSION} as published, and found version ${version}${files}. Run: npm install bee-queue@${VERSION}`,
  );
}

function versionIn(folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown };
  return String(version);
}

/** Null for a file that does not exist. */
function fingerprint(file: string): string | null {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);
  } catch {
    return null;
  }
}
