// Runs `npx inloop …` as built, in a folder of an adopter that has Soketi installed. For the tests of the commands.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Child, startChild } from '../../../cli/processes/child.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { findNode20 } from '../../../dev/setup/node20.ts';
import { NODE20_FOLDER, NODE20_PACKAGE } from '../../../soketi/find-soketi.ts';
import { inDist } from '../dist.ts';

/** A running command. */
export interface InloopCommand extends Child {
  /** All output so far, both streams. */
  readonly output: () => string;
}

/** Makes a folder with Soketi among its packages, and with a Node 20 beside it if this Node is another. Remove it in the end. */
export function makeAdopter(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'inloop-adopter-'));
  mkdirSync(join(path, 'node_modules'));
  symlinkSync(join(REPOSITORY, 'node_modules', '@soketi'), join(path, 'node_modules', '@soketi'));
  const node = findNode20();
  if (node === null) throw new Error('Soketi needs Node 20 here. Run "npm test", which brings it.');
  if (node !== process.execPath) {
    mkdirSync(join(path, NODE20_FOLDER, 'node_modules'), { recursive: true });
    symlinkSync(dirname(dirname(node)), join(path, NODE20_FOLDER, 'node_modules', NODE20_PACKAGE));
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts a command. Of this process' environment it gets the PATH only. */
export async function startInloop(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<InloopCommand> {
  const lines: string[] = [];
  const child = await startChild(
    {
      file: process.execPath,
      args: [inDist('cli/main.js'), ...args],
      env: { PATH: process.env.PATH, INLOOP_NO_INSTALL: '1', ...env },
      cwd,
    },
    (line) => lines.push(line),
  );
  return Object.defineProperties({} as InloopCommand, {
    ...Object.getOwnPropertyDescriptors(child),
    output: { value: () => lines.join('\n') },
  });
}

/** Runs a command to its end. */
export async function runInloop(...start: Parameters<typeof startInloop>): Promise<{ end: string; output: string }> {
  const command = await startInloop(...start);
  return { end: await command.end, output: command.output() };
}
