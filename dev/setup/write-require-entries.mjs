// Writes, beside each published entry, the files that `require()` loads: `index.cjs` and its declarations `index.d.cts`.
//
// Node can `require` ES modules since 20.19, so `index.cjs` only passes on the entry itself. A process thus has one copy of inloop,
// however it is loaded. Node does not need these files, but TypeScript before 5.8 refuses to compile the call without them.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './command.mjs';

/** Writes the files for each entry in package.json that has a condition `require`. */
export async function writeRequireEntries() {
  const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  for (const entry of Object.values(exports)) {
    if (!entry.require) continue;
    const names = await readExports(join(root, entry.default));
    await writeFile(join(root, entry.require.default), "'use strict';\nmodule.exports = require('./index.js');\n");
    await writeFile(join(root, entry.require.types), declarationsOf(names));
  }
}

/**
 * The names that a built module exports at run time, and which of them are classes: a class is also a type.
 * @param {string} file
 * @returns {Promise<{ name: string, isClass: boolean }[]>}
 */
async function readExports(file) {
  const module = await import(pathToFileURL(file).href);
  return Object.keys(module).map((name) => ({ name, isClass: /^class\b/.test(String(module[name])) }));
}

/** @param {{ name: string, isClass: boolean }[]} names */
function declarationsOf(names) {
  const entry = "import('./index.js', { with: { 'resolution-mode': 'import' } })";
  return [
    "export type * from './index.js' with { 'resolution-mode': 'import' };",
    ...names.map(({ name }) => `export declare const ${name}: typeof ${entry}.${name};`),
    ...names.filter(({ isClass }) => isClass).map(({ name }) => `export type ${name} = ${entry}.${name};`),
    '',
  ].join('\n');
}
