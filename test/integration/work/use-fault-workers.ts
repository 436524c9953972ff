// The set-up of tests that kill workers, freeze them or set their clocks: Redis, Soketi, an app, and workers that run
// fault-tasks.ts, each in a process of its own.
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import type { Backend } from '../../../backend/backend.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, startApp, startBus, type TestApp, type TestBus } from '../../support/parts.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../../support/processes/script-process.ts';
import { FAULT_TASKS } from './processes/fault-tasks.ts';

/** A worker counts as dead when its heartbeat has been missing for this long, in ms. */
export const STALL_MS = 1_000;

/** What `useFaultWorkers` returns. */
export interface FaultParts {
  readonly bus: TestBus;
  readonly backend: Backend;
  readonly app: TestApp;
  /** The workers that this test has started, the first one first. */
  readonly workers: readonly ScriptProcess[];
  /** Starts a worker. It is killed after the test, if it still runs. `env` is added to its environment. */
  startWorker(env?: Readonly<Record<string, string>>): Promise<ScriptProcess>;
  /** Waits until a task has a status; returns its snapshot. Default of `within`: 15 s. */
  reaches(task: Pick<Snapshot, 'id'>, owner: string, status: Snapshot['status'], within?: number): Promise<Snapshot>;
}

/** Starts the parts before the tests of the file that calls it, and ends them afterwards. */
export function useFaultWorkers(): FaultParts {
  let bus: TestBus;
  let backend: Backend;
  let app: TestApp;
  let bundle: Bundle;
  let workers: ScriptProcess[] = [];

  beforeAll(async () => {
    bundle = await bundleScript('test/integration/work/processes/fault-worker.ts');
    bus = await startBus();
    backend = backendOn(bus.env);
    app = await startApp(backend, FAULT_TASKS);
  }, 60_000);
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.kill()));
    workers = [];
  });
  afterAll(async () => {
    await app.close();
    await backend.close();
    await bus.stop();
    bundle.remove();
  }, 30_000);

  return {
    get bus() {
      return bus;
    },
    get backend() {
      return backend;
    },
    get app() {
      return app;
    },
    get workers() {
      return workers;
    },
    async startWorker(env = {}) {
      const worker = await startScript(bundle, { ...bus.env, STALL_MS: String(STALL_MS), ...env }, 'worker ready');
      workers.push(worker);
      return worker;
    },
    reaches: ({ id }, owner, status, within = 15_000) =>
      eventually(
        async () => {
          const snapshot = await app.tasks.tasks.get(owner, id);
          return snapshot.status === status && snapshot;
        },
        { within, that: `task ${id} to be ${status}` },
      ),
  };
}
