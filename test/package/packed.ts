// Packs inloop as it would be published, and installs it in empty folders, as adopters do. For the tests of the package.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from '../../dev/paths.ts';

/** The sources of a small application, which imports all entries. */
const ADOPTER = join(REPOSITORY, 'test', 'package', 'adopter');

/** A folder outside of the repository, so that nothing of the repository is found from it. Remove it with `remove`. */
export function emptyFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'inloop-package-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs a program and returns all it printed. @throws Error with what it printed, if it fails or takes longer than 5 min */
export async function run(file: string, args: readonly string[], cwd: string, env = process.env): Promise<string> {
  try {
    const options = { cwd, env, maxBuffer: 16_777_216, timeout: 300_000 };
    const { stdout, stderr } = await promisify(execFile)(file, [...args], options);
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
    throw new Error(`${file} ${args.join(' ')} failed:\n${stdout}${stderr || message}`);
  }
}

/** Packs what `npm run build` wrote into a tarball in `folder`. Returns its path. */
export async function pack(folder: string): Promise<string> {
  const printed = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], REPOSITORY);
  return join(folder, printed.trim().split('\n').at(-1) ?? '');
}

/** Makes `folder` an application from the sources in `adopter/`, with `packages` installed. */
export async function install(folder: string, packages: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"name":"adopter","private":true,"type":"module"}');
  cpSync(ADOPTER, folder, { recursive: true });
  // Without scripts, since no package that we need has one to run.
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  await run('npm', ['install', ...flags, ...packages], folder);
}
