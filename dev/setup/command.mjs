// What the scripts in dev/ need before any npm package is installed: the repository's path, how to run a program, and how to
// end with an error.
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
 * Runs a program that shares the terminal of this process. SIGTERM and SIGINT are passed on to it.
 * @param {string} file
 * @param {string[]} args
 * @param {{ shell?: boolean }} [options]
 * @returns {Promise<number>} its exit code; 1 after a signal
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
