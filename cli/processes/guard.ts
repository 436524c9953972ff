// A guard is a process that ends the others when the process that started them was killed and could not do it itself. For
// `npx inloop dev`. Redis and the adopter's command know nothing of inloop, so they cannot notice it themselves.
//
// The guard reads from a pipe. The system closes the pipe when the process at its other end is gone, however it ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** A process to end. */
export interface Guarded {
  pid: number;
  /** Whether it leads a process group, all of which is to be ended. */
  isGroup: boolean;
  /** Milliseconds between SIGTERM and SIGKILL. */
  graceMs: number;
}

/** The guard, as seen from the process that started it. */
export class Guard {
  readonly #child: ChildProcess;
  readonly #guarded = new Map<string, Guarded>();

  constructor() {
    // Without an IPC channel and in a group of its own, it outlives this process and no Ctrl-C reaches it.
    this.#child = spawn(process.execPath, [process.argv[1] as string, 'guard'], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      windowsHide: true,
    });
    this.#child.on('error', () => {});
    this.#child.stdin?.on('error', () => {});
    this.#child.unref();
  }

  /** Names a process to end. Processes are ended in the order in which their names were first added, the last one first. */
  add(name: string, guarded: Guarded): void {
    this.#guarded.set(name, guarded);
    this.#tell();
  }

  /** Ends the guard without ending anything else. Call it when everything has ended. */
  dismiss(): void {
    this.#guarded.clear();
    this.#tell();
    this.#child.stdin?.end();
  }

  #tell(): void {
    this.#child.stdin?.write(`${JSON.stringify([...this.#guarded.values()].reverse())}\n`);
  }
}

/** The guard's own work: the hidden command `inloop guard`. */
export async function runGuard(): Promise<number> {
  // A signal to all processes of a group must not end the guard: it still has to end the others.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  let guarded: Guarded[] = [];
  for await (const line of createInterface({ input: process.stdin })) {
    guarded = JSON.parse(line) as Guarded[];
  }
  for (const one of guarded) await end(one);
  return 0;
}

async function end({ pid, isGroup, graceMs }: Guarded): Promise<void> {
  const target = isGroup && process.platform !== 'win32' ? -pid : pid;
  if (!send(target, 'SIGTERM')) return;
  const deadline = Date.now() + graceMs;
  while (send(target, 0)) {
    if (Date.now() > deadline) {
      send(target, 'SIGKILL');
      // Not waited for any longer: a process that has ended stays listed until its new parent has noticed.
      return;
    }
    await delay(25);
  }
}

/** Returns false when there is no such process. */
function send(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false;
  }
}
