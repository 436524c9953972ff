// Our scripts (`npm run chaos`, `npm run attack`) as tests run them: from source, in a process of their own, to the end.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY } from '../../dev/paths.ts';

/** Runs the script `entry` (relative to the root). Resolves with what it wrote, both streams, however it ended. */
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
