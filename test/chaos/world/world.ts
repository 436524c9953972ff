// The parts that the chaos run breaks, and how each is restarted.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { claimPort } from '../../../cli/processes/ports.ts';
import { startBus, type TestBus } from '../../support/parts.ts';
import {
  type Bundle,
  bundleScript,
  type Mutation,
  type ScriptProcess,
  startScript,
} from '../../support/processes/script-process.ts';
import type { Death } from '../checks/hook-calls.ts';
import { type Note, readNotes } from './notes.ts';

const WORKERS = 2;

export interface World {
  readonly bus: TestBus;
  /** The web server's URL. */
  readonly url: string;
  /** The workers that have died, killed by this run or by their tasks, and the process ids of those that live. */
  workerProcesses(): { readonly deaths: readonly Death[]; readonly alive: readonly number[] };
  /** What the workers have noted so far. */
  notes(): Note[];
  killWorker(index: number): Promise<void>;
  /** Suspends a worker for `ms`, so that others take its tasks for lost. */
  suspendWorker(index: number, ms: number): Promise<void>;
  killServer(): Promise<void>;
  /** Kills Soketi and starts it again after `ms`. */
  restartSoketi(ms: number): Promise<void>;
  /** Kills Redis and starts it again after `ms`. */
  restartRedis(ms: number): Promise<void>;
  readonly workers: number;
  close(): Promise<void>;
}

/** Starts Redis, Soketi, a web server and two workers. Processes that die are restarted, as an operator would do. */
export async function startWorld(mutations: readonly Mutation[]): Promise<World> {
  const bundles = await Promise.all([
    bundleScript('test/chaos/world/server.ts', mutations),
    bundleScript('test/chaos/world/worker.ts', mutations),
  ]);
  const [serverBundle, workerBundle] = bundles;
  const bus = await startBus();
  const { port, release } = await claimPort();
  const server = await keepRunning(serverBundle, { ...bus.env, PORT: String(port) }, 'server ready');
  const folder = mkdtempSync(join(tmpdir(), 'inloop-chaos-'));
  const notes = join(folder, 'notes');
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, () =>
      keepRunning(workerBundle, { ...bus.env, DRAIN_MS: '500', NOTES: notes }, 'worker ready'),
    ),
  );
  return {
    bus,
    url: `http://127.0.0.1:${port}/tasks`,
    workers: WORKERS,
    workerProcesses: () => ({
      deaths: workers.flatMap((worker) => worker.deaths),
      alive: workers.map((worker) => worker.pid()),
    }),
    notes: () => readNotes(notes),
    killWorker: async (index) => workers[index]?.kill(),
    async suspendWorker(index, ms) {
      const thaw = workers[index]?.freeze();
      await pause(ms);
      thaw?.();
    },
    killServer: () => server.kill(),
    async restartSoketi(ms) {
      await bus.soketi.kill();
      await pause(ms);
      await bus.soketi.restart();
    },
    async restartRedis(ms) {
      await bus.redis.kill();
      await pause(ms);
      await bus.redis.restart();
    },
    async close() {
      await Promise.all([server.close(), ...workers.map((worker) => worker.close())]);
      await bus.stop();
      for (const bundle of bundles) bundle.remove();
      rmSync(folder, { recursive: true });
      release();
    },
  };
}

/** A process that is started again whenever it ends. */
interface Kept {
  readonly deaths: readonly Death[];
  pid(): number;
  /** Freezes the process; the function that is returned lets it run again. */
  freeze(): () => void;
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the process, which has started when it prints `ready`, and starts it again whenever it ends. */
async function keepRunning(bundle: Bundle, env: Record<string, string>, ready: string): Promise<Kept> {
  let isClosed = false;
  let current: ScriptProcess = await startScript(bundle, env, ready);
  const deaths: Death[] = [];
  const keep = async () => {
    while (!isClosed) {
      await current.exited;
      deaths.push({ pid: current.pid, at: Date.now() });
      if (isClosed) return;
      await pause(300);
      // If it is killed again before it is ready, try once more.
      current = await startScript(bundle, env, ready).catch(() => current);
    }
  };
  const keeping = keep();
  return {
    deaths,
    pid: () => current.pid,
    freeze() {
      const frozen = current;
      frozen.freeze();
      return () => frozen.thaw();
    },
    kill: () => current.kill(),
    async close() {
      isClosed = true;
      await current.kill();
      await keeping;
    },
  };
}
