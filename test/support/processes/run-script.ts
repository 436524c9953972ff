// Runs one of our scripts (`npm run chaos`, `npm run attack`) from source in a process of its own, and waits for its end.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY } from '../../../dev/paths.ts';

/** Runs the script `entry` (relative to the root). Resolves with its output, both streams, whatever its exit code. */
export function runScript(entry: string, args: readonly string[] = []): Promise<string> {
  const runner = join(REPOSITORY, 'dev', 'run-script.mjs');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [runner, entry, ...args],
      { cwd: REPOSITORY, maxBuffer: 10_000_000 },
      (_error, stdout, stderr) => resolve(stdout + stderr),
    );
  });
}
