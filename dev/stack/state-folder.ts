// The state folder of one stack (.inloop): who runs it, which processes belong to it, and where its services listen.
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readJsonFile, writeJsonFile } from '../json-file.ts';
import { Problem } from '../problem.ts';
import { isStillRunning, type ProcessRecord, recordProcess } from './process-record.ts';

/** Where a service can be reached. */
export interface ServiceAddress {
  pid: number;
  host: string;
  port: number;
  /** With the password, for a service that wants one. */
  url?: string;
  password?: string;
}

/** The content of `stack.json`, a contract with scripts and tests. */
export interface StackFile {
  url: string;
  services: Record<string, ServiceAddress>;
}

const ORPHAN_GRACE_MS = 3_000;

/** A state folder that this process has claimed. */
export class StateFolder {
  readonly path: string;
  readonly #owned = new Map<string, ProcessRecord>();

  /**
   * Claims the folder (made when missing) for this process.
   *
   * @throws Problem when another stack runs in it
   */
  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true, mode: 0o700 });
    this.#keepPrivate();
    if (!this.#tryLock()) {
      const holder = readJsonFile<ProcessRecord>(this.#lock);
      if (holder !== null && isStillRunning(holder)) {
        const url = readJsonFile<StackFile>(this.#stackFile)?.url;
        throw new Problem(
          `A stack runs here already (process ${holder.pid}${url ? `, ${url}` : ''}). ` +
            'End it first, or set INLOOP_DIR to another folder and PORT to another port.',
        );
      }
      rmSync(this.#lock, { force: true });
      if (!this.#tryLock()) throw new Problem('Another stack is starting here at this moment. Use that one.');
    }
    // Of an earlier run that was killed: its addresses are no longer true.
    rmSync(this.#stackFile, { force: true });
  }

  /** Ends what a killed supervisor left running in this folder, but nothing it cannot prove to be that. */
  async endOrphans(): Promise<number> {
    const orphans = (readJsonFile<ProcessRecord[]>(this.#processesFile) ?? []).filter(isStillRunning);
    for (const { pid } of orphans) sendSignal(pid, 'SIGTERM');
    const deadline = Date.now() + ORPHAN_GRACE_MS;
    while (orphans.some(isStillRunning) && Date.now() < deadline) await delay(25);
    for (const orphan of orphans.filter(isStillRunning)) sendSignal(orphan.pid, 'SIGKILL');
    while (orphans.some(isStillRunning)) await delay(5);
    return orphans.length;
  }

  /** Writes down that a process is ours, in place of an earlier one of that name. */
  own(name: string, pid: number): void {
    this.#owned.set(name, recordProcess(name, pid));
    writeJsonFile(this.#processesFile, [...this.#owned.values()]);
  }

  /** Tells everybody where the services are. */
  publish(stack: StackFile): void {
    writeJsonFile(this.#stackFile, stack);
  }

  /** Gives the folder up, once every process of ours has ended. */
  release(): void {
    for (const file of [this.#stackFile, this.#processesFile, this.#lock]) rmSync(file, { force: true });
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
   * Closes to others what an earlier version left open to them: credentials, inputs and contacts lie in there. Only a
   * folder that is ours: INLOOP_DIR may be one that others need.
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
      throw new Problem(`Cannot write to ${this.path}: ${(error as Error).message}. Set INLOOP_DIR to another folder.`);
    }
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in between.
  }
}
