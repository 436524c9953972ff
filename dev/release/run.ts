// Runs git and npm, for a release.
import { execFileSync } from 'node:child_process';
import { CommandError } from '../../cli/command-error.ts';

/** Runs a program in a folder and returns what it printed. @throws CommandError with its output, if it fails */
export function run(cwd: string, file: string, args: readonly string[]): string {
  try {
    return execFileSync(file, args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      // 64 MB: the tests may print more than Node's default of 1 MB.
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
    throw new CommandError(`${file} ${args.join(' ')} failed:\n${(stdout + stderr).trim() || message}`);
  }
}
