// One child process: started with its output in lines, awaited, ended. For the supervisor and for tests.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How to start a program. */
export interface Command {
  file: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Whether it listens to `tell`. */
  listens?: boolean;
}

/** A running program. */
export interface Child {
  readonly pid: number;
  /** Its last output lines, newest last, for an error that says why it did not start. */
  readonly lastLines: readonly string[];
  /** Whether it has ended. */
  readonly ended: boolean;
  /** Resolves when it has ended, with how: `exit code 1`, `SIGKILL`. Never rejects. */
  readonly end: Promise<string>;
  /** Tells a program that listens something, over a channel of its own; does nothing when it has ended. */
  tell(message: object): void;
  /** Sends a signal; does nothing when it has ended. */
  signal(name: NodeJS.Signals): void;
  /** Asks it to end (SIGTERM), insists (SIGKILL) after `graceMs`, resolves when it has ended. */
  stop(graceMs?: number): Promise<void>;
}

const KEPT_LINES = 20;

/**
 * Starts a program without a shell; its output goes line by line to `onLine`.
 *
 * @throws when the program cannot be started (not found, not executable)
 */
export async function startChild(command: Command, onLine: (line: string) => void = () => {}): Promise<Child> {
  const child = spawn(command.file, command.args, {
    cwd: command.cwd,
    env: command.env,
    stdio: ['ignore', 'pipe', 'pipe', ...(command.listens ? (['ipc'] as const) : [])],
    // A group of its own: Ctrl-C in a terminal reaches the supervisor only, which then ends the services in order.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`Could not start ${command.file}: ${error.message}`)));
  });
  return wrapChild(child, onLine);
}

function wrapChild(child: ChildProcess, onLine: (line: string) => void): Child {
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > KEPT_LINES) lastLines.shift();
      onLine(line);
    });
  }
  let ended = false;
  const end = new Promise<string>((resolve) => {
    // 'close' and not 'exit': by then its last lines have been read.
    child.once('close', (code, signal) => {
      ended = true;
      resolve(signal ?? `exit code ${code}`);
    });
  });
  const signal = (name: NodeJS.Signals): void => {
    if (!ended) child.kill(name);
  };
  return {
    pid: child.pid as number,
    lastLines,
    end,
    get ended() {
      return ended;
    },
    signal,
    tell(message) {
      // Lost where it ends in this moment: then there is nobody left to tell.
      if (child.connected) child.send(message, () => {});
    },
    async stop(graceMs = 5_000) {
      signal('SIGTERM');
      const insist = setTimeout(() => signal('SIGKILL'), graceMs);
      await end;
      clearTimeout(insist);
    },
  };
}
