// The state folder of one stack (.inloop): a lock, the processes of the stack, and the addresses of its services.
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CommandError } from '../command-error.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { isStillRunning, type ProcessRecord, recordProcess } from './process-record.ts';

/** The process and the address of a service. */
export interface ServiceAddress {
  pid: number;
  host: string;
  port: number;
  /** With the password, for a service that needs one. */
  url?: string;
  password?: string;
}

/** The content of `stack.json`, a contract with scripts and tests. */
export interface StackFile {
  /** Of the page; null where there is none (`npx inloop dev`). */
  url: string | null;
  services: Record<string, ServiceAddress>;
}

/** Milliseconds between SIGTERM and SIGKILL for the processes of an earlier run. */
const ORPHAN_GRACE_MS = 3_000;

/** A state folder that this process has locked. */
export class StateFolder {
  readonly path: string;
  readonly #processes = new Map<string, ProcessRecord>();

  /**
   * Locks the folder for this process. It is created if it is missing.
   *
   * @throws CommandError when another stack runs in it
   */
  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true, mode: 0o700 });
    this.#keepPrivate();
    if (!this.#tryLock()) {
      const holder = readJsonFile<ProcessRecord>(this.#lock);
      if (holder !== null && isStillRunning(holder)) {
        const stack = readJsonFile<StackFile>(this.#stackFile);
        // `npx inloop dev` has no page, and writes down the variables that lead to its parts.
        const use =
          stack?.url === null ? `For another program that uses it: node --env-file=${this.envFile} worker.js. ` : '';
        throw new CommandError(
          `A stack runs here already (process ${holder.pid}${stack?.url ? `, ${stack.url}` : ''}). ${use}` +
            'For a stack of its own, end that one first, or set INLOOP_DIR to another folder and PORT to another port.',
        );
      }
      rmSync(this.#lock, { force: true });
      if (!this.#tryLock()) throw new CommandError('Another stack is starting here at this moment. Use that one.');
    }
    // A run that was killed has left this file. Its addresses are wrong now.
    rmSync(this.#stackFile, { force: true });
  }

  /**
   * Ends the processes that a killed supervisor left running, if their start time proves that they are the same. Returns how
   * many were ended.
   */
  async endOrphans(): Promise<number> {
    const orphans = (readJsonFile<ProcessRecord[]>(this.#processesFile) ?? []).filter(isStillRunning);
    for (const { pid } of orphans) sendSignal(pid, 'SIGTERM');
    const deadline = Date.now() + ORPHAN_GRACE_MS;
    while (orphans.some(isStillRunning) && Date.now() < deadline) await delay(25);
    for (const orphan of orphans.filter(isStillRunning)) sendSignal(orphan.pid, 'SIGKILL');
    while (orphans.some(isStillRunning)) await delay(5);
    return orphans.length;
  }

  /** Records a process of the stack, so that {@link endOrphans} finds it. Replaces an earlier one of the same name. */
  addProcess(name: string, pid: number): void {
    this.#processes.set(name, recordProcess(name, pid));
    writeJsonFile(this.#processesFile, [...this.#processes.values()]);
  }

  /** Writes stack.json. */
  publish(stack: StackFile): void {
    writeJsonFile(this.#stackFile, stack);
  }

  /** Unlocks the folder. Call it when every process of the stack has ended. */
  release(): void {
    for (const file of [this.#stackFile, this.#processesFile, this.#lock]) rmSync(file, { force: true });
  }

  /** The file of variables that lead to the parts of `npx inloop dev`. */
  get envFile(): string {
    return join(this.path, 'dev.env');
  }

  get #lock(): string {
    return join(this.path, 'lock.json');
  }

  get #processesFile(): string {
    return join(this.path, 'processes.json');
  }

  get #stackFile(): string {
    return join(this.path, 'stack.json');
  }

  /**
   * Makes folders private that an earlier version of inloop left readable for everybody. They hold credentials, inputs and
   * contacts. The state folder itself is changed only if a stack has used it: INLOOP_DIR may name a folder that others use.
   */
  #keepPrivate(): void {
    if (existsSync(join(this.path, 'credentials.json'))) chmodSync(this.path, 0o700);
    for (const name of ['redis', 'soketi', 'data']) {
      if (existsSync(join(this.path, name))) chmodSync(join(this.path, name), 0o700);
    }
  }

  #tryLock(): boolean {
    try {
      writeFileSync(this.#lock, JSON.stringify(recordProcess('supervisor', process.pid)), {
        flag: 'wx',
        mode: 0o600,
      });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw new CommandError(
        `Cannot write to ${this.path}: ${(error as Error).message}. Set INLOOP_DIR to another folder.`,
      );
    }
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}
