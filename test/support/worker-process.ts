// A worker in a process of its own, that tests can kill, freeze and ask to stop.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(__dirname, '..', '..');

export interface WorkerProcess {
  readonly pid: number;
  /** What it wrote, both streams. */
  readonly output: () => string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Freezes and thaws it, as a blocked event loop or a stopped machine would. */
  freeze(): void;
  thaw(): void;
  /** SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>;
  readonly exited: Promise<number | null>;
}

let bundle: Promise<string> | null = null;
let folder: string | null = null;

/** Starts `test/fixtures/fault-worker.ts`, bundled from source, and waits until it is ready. */
export async function startWorkerProcess(env: Record<string, string>): Promise<WorkerProcess> {
  bundle ??= bundleWorker();
  const child: ChildProcess = spawn(process.execPath, [await bundle], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk;
      if (output.includes('worker ready')) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    void exited.then((code) => reject(new Error(`The worker ended with ${code} before it was ready: ${output}`)));
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGTERM');
      return exited;
    },
    exited,
  };
}

/** Removes the bundle. */
export function cleanUpWorkerBundle(): void {
  if (folder) rmSync(folder, { recursive: true, force: true });
  bundle = null;
  folder = null;
}

async function bundleWorker(): Promise<string> {
  // Below the repository, so that the packages it imports are found.
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'inloop-worker-'));
  const outfile = join(folder, 'worker.mjs');
  await build({
    entryPoints: [join(root, 'test', 'fixtures', 'fault-worker.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile,
    logLevel: 'error',
  });
  return outfile;
}
