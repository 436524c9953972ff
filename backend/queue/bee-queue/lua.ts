/**
 * The Lua scripts of bee-queue that inloop uses. It serves `scripts.ts`.
 *
 * This file reads them from the installed package. `npm run build` replaces its compiled form by one that contains the texts
 * (dev/setup/embed-scripts.mjs): an application that was bundled into one file has no package to read from.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

function readScript(name: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`bee-queue/lib/lua/${name}.lua`), 'utf8');
}

/** By the name of their file, without its `.lua`. */
export const BEE_QUEUE_LUA = {
  addJob: readScript('addJob'),
  addDelayedJob: readScript('addDelayedJob'),
  checkStalledJobs: readScript('checkStalledJobs'),
};
