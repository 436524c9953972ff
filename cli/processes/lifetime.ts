// Ends a process together with everything it has started: after a signal, when its parent is gone, or after an uncaught error.
// For `npm start` and every command that starts something.

/** Milliseconds between two checks whether the parent still runs. */
const PARENT_CHECK_MS = 1_000;
/** Two signals within this time are one request to end, in milliseconds. */
const SAME_REQUEST_MS = 500;

/** What is to be ended, and how. */
export interface Lifetime {
  /** Ends everything in order. Resolves with the exit code of this process when nothing runs. */
  stop(signal: NodeJS.Signals): Promise<number>;
  /** Kills what still runs. Called as the last thing before this process ends, for whatever reason. It cannot wait for anything. */
  kill(): void;
  /** Called with the reason before `stop`, for a line of output. */
  say(why: string): void;
  /** The name of the parent process, if its end counts as a request to end. Null if it does not. */
  parent?: string | null;
}

/**
 * Ends everything, and then this process, when it is asked to.
 *
 * @returns `isEnding`: whether it has been asked to
 */
export function endWithProcess({ stop, kill, say, parent = null }: Lifetime): { readonly isEnding: boolean } {
  const state = { isEnding: false };
  let requestedAt = 0;
  const end = (why: string, signal: NodeJS.Signals): void => {
    if (state.isEnding) {
      // A second request kills everything at once. One Ctrl-C arrives twice, from the terminal and from npm.
      if (Date.now() - requestedAt > SAME_REQUEST_MS) process.exit(1);
      return;
    }
    requestedAt = Date.now();
    state.isEnding = true;
    say(why);
    stop(signal).then(
      (code) => process.exit(code),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', () => end('Ctrl-C', 'SIGINT'));
  process.on('SIGTERM', () => end('SIGTERM', 'SIGTERM'));
  process.on('SIGHUP', () => end('the terminal is gone', 'SIGHUP'));
  process.on('exit', kill);
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error) => {
      console.error(error);
      process.exit(1);
    });
  }
  if (parent !== null) {
    const pid = process.ppid;
    setInterval(() => {
      if (process.ppid !== pid && !state.isEnding) end(`${parent} is gone`, 'SIGTERM');
    }, PARENT_CHECK_MS).unref();
  }
  return state;
}
