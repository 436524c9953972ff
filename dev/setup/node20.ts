// Finds or installs the Node 20 that Soketi runs on. The native part of Soketi exists for Node 18 and 20 only. On other
// versions Soketi starts all the same, but its HTTP API answers 404. Node 20 can be installed as an npm package.
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from '../paths.ts';
import { Problem } from '../problem.ts';
import { isExecutable } from './find.ts';

/** Path of a Node 20 that is on this machine already, or null. */
export function findNode20(): string | null {
  if (process.versions.node.startsWith('20.')) return process.execPath;
  const path = installedPath();
  return isExecutable(path) ? path : null;
}

/**
 * Finds a Node 20. If there is none, installs one with npm into `.inloop/node20` of the repository.
 *
 * @returns its path
 * @throws Problem that names the command to run by hand, if `INLOOP_NO_INSTALL` is 1 or the installation fails
 */
export async function requireNode20(): Promise<string> {
  const found = findNode20();
  if (found !== null) return found;
  const folder = join(REPOSITORY, '.inloop', 'node20');
  const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `${packageName()}@20`];
  const byHand = `npm ${args.join(' ')}`;
  if (process.env.INLOOP_NO_INSTALL === '1') {
    throw new Problem(`Soketi needs a Node 20 beside this Node ${process.versions.node}. Install it with: ${byHand}`);
  }
  console.log(`inloop: Soketi needs a Node 20 beside this Node ${process.versions.node}, so installing it: ${byHand}`);
  mkdirSync(folder, { recursive: true });
  const onWindows = process.platform === 'win32';
  try {
    await promisify(execFile)(onWindows ? 'npm.cmd' : 'npm', args, { cwd: folder, shell: onWindows });
  } catch (error) {
    const lines = String((error as { stderr?: string }).stderr || error).split('\n');
    const reason = lines.find((line) => line.startsWith('npm error')) ?? lines[0];
    throw new Problem(`Could not install a Node 20 for Soketi (${reason}). Run inloop with Node 20, or: ${byHand}`);
  }
  return installedPath();
}

/** The npm package that carries Node for this machine. */
function packageName(): string {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return `node-${platform}-${process.arch}`;
}

function installedPath(): string {
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  return join(REPOSITORY, '.inloop', 'node20', 'node_modules', packageName(), 'bin', binary);
}
