// The Node 20 that Soketi runs on. Its native part exists for Node 18 and 20 only; on others it starts all the same, but
// answers 404 on its HTTP API. Where another Node runs the stack, npm brings a Node 20 as a package.
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
 * Finds a Node 20, bringing one from npm into `.inloop/node20` of the repository when there is none.
 *
 * @returns its path
 * @throws Problem that says what to run by hand, when it may not or cannot be installed
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
