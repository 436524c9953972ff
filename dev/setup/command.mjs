// What every script of ours needs before there are any packages: where the repository is, how to run a program, how to
// give up.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Prints one line and ends this process with exit code 1.
 * @param {string} line
 * @returns {never}
 */
export function fail(line) {
  console.error(`inloop: ${line}`);
  process.exit(1);
}

/**
 * Runs a program with its output on ours; a signal that ends us ends it, too.
 * @param {string} file
 * @param {string[]} args
 * @param {{ shell?: boolean }} [options]
 * @returns {Promise<number>} its exit code, 1 when a signal ended it
 */
export function run(file, args, { shell = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, stdio: 'inherit', shell });
    /** @param {NodeJS.Signals} signal */
    const end = (signal) => {
      child.kill(signal);
    };
    process.once('SIGTERM', end).once('SIGINT', end);
    child.once('error', (error) => fail(`Could not start ${file}: ${error.message}`));
    child.once('close', (code) => {
      process.off('SIGTERM', end).off('SIGINT', end);
      resolve(code ?? 1);
    });
  });
}
