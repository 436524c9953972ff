// Starts a child process, waits until it is ready, and ends it. For the supervisor, the pictures, the bench and tests.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** How to start a program. */
export interface Command {
  file: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Whether the program takes messages from `tell`. */
  takesMessages?: boolean;
}

/** A running program. */
export interface Child {
  readonly pid: number;
  /** Its last output lines, newest last, for an error that says why it did not start. */
  readonly lastLines: readonly string[];
  /** Whether it has ended. */
  readonly hasEnded: boolean;
  /** Resolves when it has ended, with how: `exit code 1`, `SIGKILL`. Never rejects. */
  readonly end: Promise<string>;
  /** Sends a message to a program that takes them, over Node's IPC channel. Does nothing when the program has ended. */
  tell(message: object): void;
  /** Sends a signal; does nothing when it has ended. */
  signal(name: NodeJS.Signals): void;
  /** Sends SIGTERM, and SIGKILL after `graceMs` (default 5 s). Resolves when it has ended. */
  stop(graceMs?: number): Promise<void>;
}

/** How many lines of output are kept for errors. */
const KEPT_LINES = 20;
/** Milliseconds between two probes. */
const PROBE_EVERY_MS = 25;

/**
 * Starts a program without a shell; its output goes line by line to `onLine`.
 *
 * @throws when the program cannot be started (not found, not executable)
 */
export async function startChild(command: Command, onLine: (line: string) => void = () => {}): Promise<Child> {
  const child = spawn(command.file, command.args, {
    cwd: command.cwd,
    env: command.env,
    stdio: ['ignore', 'pipe', 'pipe', ...(command.takesMessages ? (['ipc'] as const) : [])],
    // In a process group of its own, Ctrl-C in a terminal does not reach it. The supervisor ends the services in order.
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
  let hasEnded = false;
  const end = new Promise<string>((resolve) => {
    // 'close' and not 'exit': 'close' comes after the last lines of output.
    child.once('close', (code, signal) => {
      hasEnded = true;
      resolve(signal ?? `exit code ${code}`);
    });
  });
  const signal = (name: NodeJS.Signals): void => {
    if (!hasEnded) child.kill(name);
  };
  return {
    pid: child.pid as number,
    lastLines,
    end,
    get hasEnded() {
      return hasEnded;
    },
    signal,
    tell(message) {
      // The empty callback ignores the error if the program ends at this moment.
      if (child.connected) child.send(message, () => {});
    },
    async stop(graceMs = 5_000) {
      signal('SIGTERM');
      const killTimer = setTimeout(() => signal('SIGKILL'), graceMs);
      await end;
      clearTimeout(killTimer);
    },
  };
}

/**
 * Calls `probe` until it resolves with true. A probe that rejects counts as false.
 *
 * @param options `deadlineMs` in milliseconds (default 20 s); `signal` gives up
 * @throws Error when the child ends first or the deadline is over; its message names the service and has its last line of
 *   output. When `signal` aborts: the reason of the abort
 */
export async function waitUntilReady(
  name: string,
  child: Child,
  probe: () => Promise<boolean>,
  { deadlineMs = 20_000, signal }: { deadlineMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await probe().catch(() => false))) {
    signal?.throwIfAborted();
    if (child.hasEnded) throw new Error(`${name} ended (${await child.end}) before it was ready${lastLine(child)}`);
    if (Date.now() > deadline) throw new Error(`${name} was not ready after ${deadlineMs / 1000} s${lastLine(child)}`);
    await delay(PROBE_EVERY_MS);
  }
}

function lastLine(child: Child): string {
  const line = child.lastLines.filter((text) => text.trim() !== '').at(-1);
  return line === undefined ? '.' : `: ${line.trim()}`;
}
