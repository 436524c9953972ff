// The adopter's command of `npx inloop dev -- command…`: started in the same terminal, with the variables, and ended with
// everything else.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { CommandError } from '../command-error.ts';

/** A running command. */
export interface RunningCommand {
  readonly pid: number;
  /** Whether it leads a process group of its own, to which signals go. */
  readonly isGroup: boolean;
  /** Resolves when it has ended, with the exit code that a shell would give: 128 and the signal's number after a signal. */
  readonly ended: Promise<number>;
  /** Passes a signal on to it. Does nothing when it has ended. */
  signal(name: NodeJS.Signals): void;
}

/**
 * Starts a command, without a shell except on Windows.
 *
 * In a terminal it stays in the foreground, where it can read the keyboard, and where Ctrl-C reaches it by itself. Without
 * a terminal it leads a process group (not on Windows), so that what it has started itself (`npm run dev`) can be ended with it.
 *
 * @throws CommandError when there is no such program
 */
export async function startCommand(words: readonly string[], env: NodeJS.ProcessEnv): Promise<RunningCommand> {
  const [file = '', ...args] = words;
  const onWindows = process.platform === 'win32';
  const isGroup = !process.stdin.isTTY && !onWindows;
  // On Windows npm is a batch file, which only a shell can start.
  const child = spawn(file, args, { env, stdio: 'inherit', detached: isGroup, shell: onWindows });
  let isOver = false;
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => {
      isOver = true;
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new CommandError(`could not start ${file}: ${error.message}`)));
  });
  const pid = child.pid as number;
  return {
    pid,
    isGroup,
    ended,
    signal(name) {
      // The terminal has sent this one to the whole foreground already.
      if (isOver || (name === 'SIGINT' && !isGroup)) return;
      try {
        process.kill(isGroup ? -pid : pid, name);
      } catch {
        // It has ended at this moment.
      }
    },
  };
}
