// The Node 20 that Soketi runs on. Its native part exists for Node 18 and 20 only; on others it starts all the same, but
// answers 404 on its HTTP API. Where another Node runs the stack, npm brings a Node 20 as a package.
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isExecutable } from './find.ts';
import { REPOSITORY } from './paths.ts';

/** Path of a Node 20 that is on this machine already, or null. */
export function findNode20(): string | null {
  if (process.versions.node.startsWith('20.')) return process.execPath;
  const path = installedPath();
  return isExecutable(path) ? path : null;
}

/**
 * Brings a Node 20 from npm into `.inloop/node20` of the repository.
 *
 * @returns its path
 * @throws when npm cannot bring it; the message says what to do
 */
export async function installNode20(): Promise<string> {
  const folder = installFolder();
  mkdirSync(folder, { recursive: true });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `${packageName()}@20`];
  try {
    await promisify(execFile)(npm, args, { cwd: folder, shell: process.platform === 'win32' });
  } catch (error) {
    const reason = String((error as { stderr?: string }).stderr ?? error).trim();
    const line = reason.split('\n').find((text) => text.startsWith('npm error')) ?? reason.split('\n')[0];
    throw new Error(
      `Soketi needs Node 20 and npm could not bring ${packageName()}@20 (${line}). Run inloop with Node 20.`,
    );
  }
  return installedPath();
}

/** The npm package that carries Node for this machine. */
function packageName(): string {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return `node-${platform}-${process.arch}`;
}

function installFolder(): string {
  return join(REPOSITORY, '.inloop', 'node20');
}

function installedPath(): string {
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  return join(installFolder(), 'node_modules', packageName(), 'bin', binary);
}
