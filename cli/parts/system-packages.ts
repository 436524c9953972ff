// Installs programs that are not npm packages, with the package manager of this system. The command is printed before it
// runs. With INLOOP_NO_INSTALL=1 it is only printed.
import { spawn } from 'node:child_process';
import { CommandError } from '../command-error.ts';
import { findOnPath } from './find.ts';

/** The package managers that are known here. The first one that a system has is used. */
export type ManagerName = 'apt-get' | 'brew' | 'dnf' | 'yum' | 'apk' | 'pacman';

/** A program that is installed as a package of the system. */
export interface SystemPart {
  /** For messages: `Redis`. */
  name: string;
  /** What each package manager calls it: the last arguments of the command that installs it. */
  packages: Readonly<Record<ManagerName, readonly string[]>>;
  /** Its path, or null if it is not installed. */
  find(): string | null;
}

interface PackageManager {
  name: ManagerName;
  /** Commands that may fail without harm, such as refreshing the list of packages. */
  prepare: string[][];
  install: string[];
  needsRoot: boolean;
}

const MANAGERS: readonly PackageManager[] = [
  {
    name: 'apt-get',
    prepare: [['update']],
    install: ['install', '-y', '--no-install-recommends'],
    needsRoot: true,
  },
  {
    name: 'brew',
    prepare: [],
    install: ['install'],
    needsRoot: false,
  },
  ...(['dnf', 'yum'] as const).map((name) => ({
    name,
    prepare: [],
    install: ['install', '-y'],
    needsRoot: true,
  })),
  {
    name: 'apk',
    prepare: [['update']],
    install: ['add'],
    needsRoot: true,
  },
  {
    name: 'pacman',
    prepare: [],
    install: ['-Sy', '--noconfirm'],
    needsRoot: true,
  },
];

/**
 * Finds a program. If it is missing, installs it.
 *
 * @returns its path
 * @throws CommandError that names the command to run by hand, if `INLOOP_NO_INSTALL` is 1 or the installation fails
 */
export async function requireSystemPart({ name: part, packages, find }: SystemPart): Promise<string> {
  const found = find();
  if (found !== null) return found;
  const manager = MANAGERS.find(({ name }) => findOnPath([name]) !== null);
  if (manager === undefined) {
    throw new CommandError(
      `${part} is missing and this system has no package manager known here. Install it and try again.`,
    );
  }
  const command = [manager.name, ...manager.install, ...packages[manager.name]];
  const byHand = `${manager.needsRoot && !isRoot() ? 'sudo ' : ''}${command.join(' ')}`;
  if (process.env.INLOOP_NO_INSTALL === '1') {
    throw new CommandError(`${part} is missing and INLOOP_NO_INSTALL is set. Install it with: ${byHand}`);
  }
  console.error(`inloop: ${part} is missing, so installing it: ${byHand}`);
  for (const args of manager.prepare) await runManager(manager, args);
  const failure = await runManager(manager, command.slice(1));
  const installed = find();
  if (installed !== null) return installed;
  throw new CommandError(
    `Could not install ${part} (${failure ?? 'it was not found afterwards'}). Install it with: ${byHand}`,
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
