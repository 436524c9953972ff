// The set-up of tests that kill workers, freeze them or set their clocks: Redis, Soketi, an app, and workers that run
// fault-tasks.ts, each in a process of its own.
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import type { Backend } from '../../../backend/backend.ts';
import type { AnyTaskDefinition } from '../../../core/tasks/definition.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, type Follower, startApp, startBus, type TestApp, type TestBus } from '../../support/parts.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../../support/processes/script-process.ts';
import { FAULT_TASKS } from './processes/fault-tasks.ts';

/** The stall interval of the workers, in ms. A worker that dies counts as dead after one to two stall intervals. */
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
  /** Starts a worker again whenever it dies, as an operator would, until the returned function is called. */
  keepWorker(): () => void;
  /** Starts a task of a fresh user, who follows it live. */
  start(definition: AnyTaskDefinition, input: unknown): Promise<FollowedTask>;
  /** Waits until a task has a status; returns its snapshot. Default of `within`: 15,000 ms. */
  reaches(task: Pick<Snapshot, 'id'>, owner: string, status: Snapshot['status'], within?: number): Promise<Snapshot>;
}

/** A task, as its owner follows it. */
export interface FollowedTask {
  readonly id: string;
  readonly owner: string;
  readonly follower: Follower;
  get(): Promise<Snapshot>;
  /** Waits until the task has a status; returns its snapshot. Default of `within`: 15,000 ms. */
  reaches(status: Snapshot['status'], within?: number): Promise<Snapshot>;
  /** Waits for the outcome, stored and pushed. Default of `within`: 15,000 ms. */
  ends(within?: number): Promise<Snapshot>;
}

/**
 * Starts the parts before the tests of the file that calls it, and ends them afterwards.
 *
 * @example it.concurrent('a worker dies', parts.withOwn(async ({ startWorker, start }) => { … }))
 */
export function useFaultWorkers(): FaultParts & {
  /** The body of a test that gets parts of its own, from Redis to the workers. Such tests can run at the same time. */
  withOwn(test: (own: FaultParts) => Promise<void>): () => Promise<void>;
} {
  let bundle: Bundle;
  let shared: OpenParts;
  beforeAll(async () => {
    bundle = await bundleScript('test/integration/work/processes/fault-worker.ts');
    shared = await openParts(bundle);
  }, 60_000);
  afterEach(() => shared.endWorkers());
  afterAll(async () => {
    await shared.close();
    bundle.remove();
  }, 30_000);

  return {
    get bus() {
      return shared.bus;
    },
    get backend() {
      return shared.backend;
    },
    get app() {
      return shared.app;
    },
    get workers() {
      return shared.workers;
    },
    startWorker: (env) => shared.startWorker(env),
    keepWorker: () => shared.keepWorker(),
    start: (...args) => shared.start(...args),
    reaches: (...args) => shared.reaches(...args),
    withOwn: (test) => async () => {
      const own = await openParts(bundle);
      try {
        await test(own);
      } finally {
        await own.endWorkers();
        await own.close();
      }
    },
  };
}

interface OpenParts extends FaultParts {
  endWorkers(): Promise<void>;
  close(): Promise<void>;
}

async function openParts(bundle: Bundle): Promise<OpenParts> {
  const bus = await startBus();
  const backend = backendOn(bus.env);
  const app = await startApp(backend, FAULT_TASKS);
  let workers: ScriptProcess[] = [];
  let isClosed = false;

  async function startWorker(env: Readonly<Record<string, string>> = {}): Promise<ScriptProcess> {
    const worker = await startScript(bundle, { ...bus.env, STALL_MS: String(STALL_MS), ...env }, 'worker ready');
    workers.push(worker);
    // A test that has failed may still have been starting this worker.
    if (isClosed) await worker.kill();
    return worker;
  }

  function keepWorker(): () => void {
    let isOver = false;
    void (async () => {
      while (!isOver && !isClosed) await (await startWorker()).exited;
    })();
    return () => {
      isOver = true;
    };
  }

  return {
    bus,
    backend,
    app,
    get workers() {
      return workers;
    },
    ...{ startWorker, keepWorker },
    ...taskCallsOf(app),
    async endWorkers() {
      await Promise.all(workers.map((worker) => worker.kill()));
      workers = [];
    },
    async close() {
      isClosed = true;
      await app.close();
      await backend.close();
      await bus.stop();
    },
  };
}

/** How a test starts tasks of the app, and waits for them. */
function taskCallsOf(app: TestApp): Pick<FaultParts, 'start' | 'reaches'> {
  let users = 0;
  const reaches: FaultParts['reaches'] = ({ id }, owner, status, within = 15_000) =>
    eventually(
      async () => {
        const snapshot = await app.tasks.tasks.get(owner, id);
        return snapshot.status === status && snapshot;
      },
      { within, that: `task ${id} to be ${status}` },
    );
  return {
    reaches,
    async start(definition, input) {
      users += 1;
      const owner = `user-${users}`;
      const follower = await app.follow(owner);
      const task = await app.tasks.start(definition, input as never, { owner });
      const get = () => app.tasks.tasks.get(owner, task.id);
      return {
        ...{ id: task.id, owner, follower, get },
        reaches: (status, within) => reaches(task, owner, status, within),
        ends: (within) => waitForOutcome(get, follower, within),
      };
    },
  };
}

/** Waits until the task has an outcome, for at most `within` ms, and until the page got it. */
async function waitForOutcome(get: () => Promise<Snapshot>, follower: Follower, within = 15_000): Promise<Snapshot> {
  const stored = await eventually(
    async () => {
      const snapshot = await get();
      return snapshot.finishedAt !== null && snapshot;
    },
    { within, that: 'the outcome' },
  );
  await eventually(() => eventNamesOf(follower).includes(`task.${stored.status}`), {
    within: 10_000,
    that: 'the push of the outcome',
  });
  return stored;
}

/** The names of the events that a page got. */
export function eventNamesOf({ events }: Follower): string[] {
  return events.map(({ name }) => name);
}

/** Expects that the events of a page never lowered the attempt, nor the progress within an attempt. */
export function expectNothingWentBack({ events }: Follower): void {
  const seen = events.map(({ data }) => data).sort((a, b) => a.revision - b.revision);
  let shown = null as { readonly attempt: number; readonly done: number } | null;
  for (const { attempt, progress } of seen) {
    expect(attempt).toBeGreaterThanOrEqual(shown?.attempt ?? 0);
    if (shown?.attempt === attempt && progress) expect(progress.done).toBeGreaterThanOrEqual(shown.done);
    if (progress) shown = { attempt, done: progress.done };
  }
}
