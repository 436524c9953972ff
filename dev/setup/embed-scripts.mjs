// Puts the Lua scripts of bee-queue into the build, as text. The compiled backend/queue/bee-queue/lua.js would read them from
// the installed package, which is not there when an adopter has bundled an application into one file.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './command.mjs';

const SCRIPTS = ['addJob', 'addDelayedJob', 'checkStalledJobs'];

/** Replaces `dist/backend/queue/bee-queue/lua.js`. Its declarations (`.d.ts`) stay as they are. */
export async function embedScripts() {
  const folder = join(root, 'node_modules', 'bee-queue');
  const licence = await readFile(join(folder, 'LICENSE'), 'utf8');
  const entries = await Promise.all(
    SCRIPTS.map(async (name) => [name, await readFile(join(folder, 'lib', 'lua', `${name}.lua`), 'utf8')]),
  );
  const code = [
    `/*! The Lua scripts of bee-queue 2.0.0.\n\n${licence.trim()}\n*/`,
    `export const BEE_QUEUE_LUA = ${JSON.stringify(Object.fromEntries(entries), null, 2)};`,
  ];
  await writeFile(join(root, 'dist', 'backend', 'queue', 'bee-queue', 'lua.js'), `${code.join('\n')}\n`);
}
