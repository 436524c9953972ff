/**
 * Recovers the tasks of workers that died: each starts again or ends, by the verdicts of `crash-verdict.ts`. It serves the
 * sweeper, which calls it at least every second, in one process at a time.
 *
 * A worker counts as dead when its heartbeat has been missing for some time, in which Redis answered all along. In an outage
 * of Redis every heartbeat expires. So after an outage that time starts anew, in which each worker can renew its heartbeat.
 */

import type { TaskFailure } from '../../core/error.ts';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import type { Emitter } from '../events/events.ts';
import type { OwnedTask, ReadTask, RunState, Wanted } from '../store/record.ts';
import type { ChangeOptions } from '../task-changes.ts';
import type { Time } from '../time.ts';
import { type CrashedTask, judgeCrash, suspicionAfter, type Verdict } from './crash-verdict.ts';
import type { Isolation, Suspicion } from './probation.ts';
import type { KnownWorker } from './worker-registry.ts';

/**
 * At most this much of the time between two sweeps counts as time in which a heartbeat was missing. On a slow machine sweeps
 * come late. Then a dead worker is found later, but it is found.
 */
const MOST_COUNTED_MS = 1_250;
/** After a longer pause between two sweeps everything stood still, workers too. So the time of each missing heartbeat begins anew. */
const LONGEST_PAUSE_MS = 8_000;
/**
 * A worker counts as dead when its heartbeat has been missing for this share of the time that a heartbeat lasts. Example:
 * a heartbeat lasts 5 s. A worker dies; its heartbeat expires up to 5 s later, and 2.5 s after that it counts as dead.
 */
const MISSED_SHARE = 0.5;
/**
 * A worker renews its heartbeat every third of the time that one lasts. So when a heartbeat expires, its worker has been
 * dead for at least two thirds of that time. Example: a heartbeat lasts 5 s. The worker dies 1.7 s after it last renewed its
 * heartbeat, just before the next renewal. The heartbeat expires 3.3 s later.
 */
const DEAD_BEFORE_SHARE = 2 / 3;
/** The tasks of a blocked worker get a sign of life this often. Those of others get one every 10 s (worker/task-worker.ts). */
const SIGN_OF_LIFE_MS = 5_000;

/** What is needed of Redis. Each method rejects with a TaskError `store_unavailable` while Redis is away. */
export interface CrashRedis {
  /** The isolation of each task that a worker runs, by the task's id. */
  runningOn(worker: string): Promise<Readonly<Record<string, string>>>;
  /** Keeps what was decided about a dead worker, unless something is kept already. Answers with what is kept. */
  keepVerdict(worker: string, decided: string): Promise<string>;
  /** Ids of the tasks because of which the watchdog ended a worker: the event loop was blocked beyond their deadlines. */
  overDeadlineOn(worker: string): Promise<readonly string[]>;
  /** Removes a worker all of whose tasks were recovered. */
  forgetWorker(worker: string): Promise<unknown>;
}

export interface LostWorkersOptions {
  readonly redis: CrashRedis;
  readonly store: { read<W extends Wanted>(id: string, want: W): Promise<ReadTask<W> | null> };
  readonly changes: {
    apply(task: OwnedTask, event: TaskEvent, options: ChangeOptions): Promise<{ readonly ok: boolean }>;
  };
  readonly registry: { list(): Promise<readonly KnownWorker[]> };
  /** The time of day, by Redis' clock: ms since 1970, and as snapshots carry it. */
  readonly clock: { now(): number; iso(): string };
  readonly time: Pick<Time, 'elapsed'>;
  readonly events: Emitter;
}

/** An event that ends an attempt with an error. */
type EndEvent = Extract<TaskEvent, { readonly type: 'fail' | 'release' }>;

/** What was decided about one task of a dead worker. */
interface Decision {
  readonly verdict: Verdict;
  readonly run: number;
  readonly suspicion: Suspicion;
}

const DEADLINE: TaskFailure = {
  code: 'deadline',
  message: 'The task took longer than it may, and its worker could not be reached any more.',
  retryable: false,
};

/** Recovers tasks. It remembers from sweep to sweep for how long each heartbeat has been missing. */
export class LostWorkers {
  readonly #options: LostWorkersOptions;
  #sweptAt = Number.NEGATIVE_INFINITY;
  /** For how long the heartbeat has been missing, in ms, by worker. */
  #missing = new Map<string, number>();
  /** When the tasks of a blocked worker got their last sign of life, by worker. */
  #signedAt = new Map<string, number>();

  constructor(options: LostWorkersOptions) {
    this.#options = options;
  }

  /** Redis was away, and workers could not renew their heartbeats: the time in which one is missing begins anew. */
  redisWasAway(): void {
    this.#missing.clear();
  }

  /** Recovers the tasks of dead workers. @returns all workers @throws TaskError `store_unavailable` */
  async sweep(): Promise<readonly KnownWorker[]> {
    const workers = await this.#options.registry.list();
    const now = this.#options.time.elapsed();
    this.#countMissing(workers, now - this.#sweptAt);
    this.#sweptAt = now;
    for (const worker of workers) {
      const missing = this.#missing.get(worker.id);
      const { stallInterval } = worker;
      if (missing !== undefined && missing >= stallInterval * MISSED_SHARE)
        await this.#recover(worker, missing + stallInterval * DEAD_BEFORE_SHARE);
      else if (worker.blockedFor > SIGN_OF_LIFE_MS) await this.#giveSignsOfLife(worker, now);
      else this.#signedAt.delete(worker.id);
    }
    return workers;
  }

  /** Adds to the time for which each heartbeat has been missing. @param passed since the last sweep, in ms */
  #countMissing(workers: readonly KnownWorker[], passed: number): void {
    const before = passed > LONGEST_PAUSE_MS ? new Map<string, number>() : this.#missing;
    const counted = Math.min(passed, MOST_COUNTED_MS);
    this.#missing = new Map();
    for (const { id, isAlive } of workers) {
      const missing = before.get(id);
      if (!isAlive) this.#missing.set(id, missing === undefined ? 0 : missing + counted);
    }
  }

  /**
   * Decides what becomes of each task of a dead worker, keeps the decisions in Redis, and then carries them out. If this
   * process dies in between, another one carries out the same decisions.
   * @param deadFor how long the worker has been dead at least, in ms
   */
  async #recover(worker: KnownWorker, deadFor: number): Promise<void> {
    const { redis, events, clock } = this.#options;
    const decided = await this.#decide(worker.id, clock.now() - deadFor);
    const kept = await redis.keepVerdict(worker.id, JSON.stringify(decided));
    const decisions = Object.entries(JSON.parse(kept) as Record<string, Decision>);
    events.emit('worker.died', () => ({
      worker: worker.id,
      tasks: decisions.map(([task, { verdict }]) => ({ task, verdict })),
    }));
    for (const [id, decision] of decisions) await this.#carryOut(id, decision);
    await redis.forgetWorker(worker.id);
    this.#missing.delete(worker.id);
    this.#signedAt.delete(worker.id);
  }

  async #decide(worker: string, diedAt: number): Promise<Record<string, Decision>> {
    const { redis, store } = this.#options;
    const running = await redis.runningOn(worker);
    const overDeadline = new Set(await redis.overDeadlineOn(worker));
    const found: (CrashedTask & { readonly record: OwnedTask & RunState })[] = [];
    for (const [id, isolation] of Object.entries(running)) {
      const record = await store.read(id, { run: true });
      // The task is gone, or this worker does not run it any more, so this crash did not interrupt it.
      if (record?.worker !== worker) continue;
      found.push({ id, isolation: isolation as Isolation, record, suspicion: record.suspicion });
    }
    const verdicts = judgeCrash(found, overDeadline);
    return Object.fromEntries(
      found.map(({ id, record, suspicion }) => {
        const verdict = verdicts.get(id) ?? 'innocent';
        const lived = Math.max(diedAt - record.begunAt, 0);
        return [id, { verdict, run: record.run, suspicion: suspicionAfter(suspicion, verdict, lived) }];
      }),
    );
  }

  async #carryOut(id: string, { verdict, run, suspicion }: Decision): Promise<void> {
    const { store, changes, events } = this.#options;
    const record = await store.read(id, { checkpoint: true, run: true });
    if (record === null) return;
    const event = this.#eventFor(record, verdict, suspicion);
    const isResumable = record.checkpoint !== null;
    // If this is refused, another run has begun: the decision was carried out before.
    const { ok } = await changes.apply(record, event, { run, suspicion, ...(isResumable ? { isResumable } : {}) });
    if (ok) events.tracing?.lost(record, record.begunAt, event.error.code);
  }

  #eventFor({ snapshot }: OwnedTask, verdict: Verdict, { charged }: Suspicion): EndEvent {
    const at = this.#options.clock.iso();
    const { attempt, attempts } = snapshot;
    switch (verdict) {
      case 'deadline':
        return { type: 'fail', at, attempt, error: DEADLINE };
      case 'charged':
        // The error of a failed task says how many crashes were charged to it, since its owner asks why.
        return { type: 'fail', at, attempt, error: workerLost(attempt < attempts ? 1 : charged), retryAt: at };
      case 'suspect':
      case 'innocent':
        return { type: 'release', at, attempt, error: workerLost(1) };
    }
  }

  /** Renews the sign of life of a blocked worker's tasks. Its watchdog thread renews only the heartbeat. */
  async #giveSignsOfLife(worker: KnownWorker, now: number): Promise<void> {
    if (now - (this.#signedAt.get(worker.id) ?? Number.NEGATIVE_INFINITY) < SIGN_OF_LIFE_MS) return;
    this.#signedAt.set(worker.id, now);
    const { redis, store, clock, changes } = this.#options;
    for (const id of Object.keys(await redis.runningOn(worker.id))) {
      const record = await store.read(id, { run: true });
      if (record?.worker !== worker.id) continue;
      const event: TaskEvent = { type: 'alive', at: clock.iso(), attempt: record.snapshot.attempt };
      await changes.apply(record, event, { run: record.run });
    }
  }
}

/** The failure that the owner sees when a worker died. @param times how often that has happened to the task */
export function workerLost(times: number): TaskFailure {
  const message =
    times > 1
      ? `The worker stopped unexpectedly while it was at this task, ${times} times.`
      : 'The worker stopped unexpectedly.';
  return { code: 'worker_lost', message, retryable: true };
}
