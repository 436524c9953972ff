// Installs programs that are not npm packages, with the package manager of this system. The command is printed before it
// runs. With INLOOP_NO_INSTALL=1 it is only printed.
import { spawn } from 'node:child_process';
import { Problem } from '../problem.ts';
import { findOnPath } from './find.ts';

/** A program that is installed as a package of the system. */
export type SystemPart = 'Redis' | 'Chromium';

interface PackageManager {
  name: string;
  /** Commands that may fail without harm, such as refreshing the list of packages. */
  prepare: string[][];
  install: string[];
  packages: Record<SystemPart, string[]>;
  needsRoot: boolean;
}

const MANAGERS: readonly PackageManager[] = [
  {
    name: 'apt-get',
    prepare: [['update']],
    install: ['install', '-y', '--no-install-recommends'],
    packages: { Redis: ['redis-server'], Chromium: ['chromium'] },
    needsRoot: true,
  },
  {
    name: 'brew',
    prepare: [],
    install: ['install'],
    packages: { Redis: ['redis'], Chromium: ['--cask', 'chromium'] },
    needsRoot: false,
  },
  ...['dnf', 'yum'].map((name) => ({
    name,
    prepare: [],
    install: ['install', '-y'],
    packages: { Redis: ['redis'], Chromium: ['chromium'] },
    needsRoot: true,
  })),
  {
    name: 'apk',
    prepare: [['update']],
    install: ['add'],
    packages: { Redis: ['redis'], Chromium: ['chromium'] },
    needsRoot: true,
  },
  {
    name: 'pacman',
    prepare: [],
    install: ['-Sy', '--noconfirm'],
    // Arch Linux has Valkey, a fork of Redis with the same protocol.
    packages: { Redis: ['valkey'], Chromium: ['chromium'] },
    needsRoot: true,
  },
];

/**
 * Finds a program. If it is missing, installs it.
 *
 * @returns its path
 * @throws Problem that names the command to run by hand, if `INLOOP_NO_INSTALL` is 1 or the installation fails
 */
export async function requireSystemPart(part: SystemPart, find: () => string | null): Promise<string> {
  const found = find();
  if (found !== null) return found;
  const manager = MANAGERS.find(({ name }) => findOnPath([name]) !== null);
  if (manager === undefined) {
    throw new Problem(
      `${part} is missing and this system has no package manager known here. Install it and try again.`,
    );
  }
  const command = [manager.name, ...manager.install, ...manager.packages[part]];
  const byHand = `${manager.needsRoot && !isRoot() ? 'sudo ' : ''}${command.join(' ')}`;
  if (process.env.INLOOP_NO_INSTALL === '1') {
    throw new Problem(`${part} is missing and INLOOP_NO_INSTALL is set. Install it with: ${byHand}`);
  }
  console.error(`inloop: ${part} is missing, so installing it: ${byHand}`);
  for (const args of manager.prepare) await runManager(manager, args);
  const failure = await runManager(manager, command.slice(1));
  const installed = find();
  if (installed !== null) return installed;
  throw new Problem(
    `Could not install ${part} (${failure ?? 'it is still not to be found'}). Install it with: ${byHand}`,
  );
}

/** Runs one command of the package manager, as root if it needs that. Resolves with what went wrong, or null. */
function runManager(manager: PackageManager, args: string[]): Promise<string | null> {
  // -n: fail at once instead of asking for a password that nobody may be there to type.
  const sudo = manager.needsRoot && !isRoot() ? ['sudo', '-n'] : [];
  const [file, ...rest] = [...sudo, manager.name, ...args] as [string, ...string[]];
  return new Promise((resolve) => {
    const child = spawn(file, rest, {
      // To standard error: the standard output of `npx inloop dev` has nothing but variables.
      stdio: ['ignore', 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code === 0 ? null : `${file} ended with exit code ${code}`));
  });
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
