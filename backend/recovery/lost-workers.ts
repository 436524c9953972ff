/**
 * Ends what workers left running when they died: each task starts again or ends, by the verdicts of `crash-verdict.ts`. It serves
 * the sweeper, which calls it every second in one process at a time.
 *
 * A worker counts as dead when its sign of life was missing for a while in which Redis answered all the time. After an
 * outage of Redis the wait begins anew, since every sign has expired by then and each worker first has to renew its own.
 */

import { TaskError, type TaskFailure } from '../../core/error.ts';
import type { TaskEvent } from '../../core/transition.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { OwnedTask, RunState } from '../store/record.ts';
import type { Redis } from '../store/redis.ts';
import type { TaskStore } from '../store/store.ts';
import type { TaskChanges } from '../task-changes.ts';
import { type CrashedTask, judgeCrash, suspicionAfter, type Verdict } from './crash-verdict.ts';
import type { Isolation, Suspicion } from './probation.ts';
import type { KnownWorker, WorkerRegistry } from './worker-registry.ts';

/** Looks that are further apart than this are no continuous watch. */
const LONGEST_GAP_MS = 2_500;
/** How long a sign is missed before its worker counts as dead, as a share of how long a sign lasts. */
const MISSED_SHARE = 0.5;
/**
 * A sign lasts for three renewals, and whoever died had just renewed it: when it is missing, its worker has been dead for
 * at least two thirds of how long a sign lasts.
 */
const DEAD_BEFORE_SHARE = 2 / 3;
/** A blocked worker's tasks get a sign of life this often, as others do. */
const SIGN_EVERY_MS = 5_000;

export interface LostWorkersOptions {
  readonly redis: Pick<Redis, 'runningOn' | 'keepVerdict' | 'endedWith' | 'forgetWorker'>;
  readonly store: Pick<TaskStore, 'read'>;
  readonly changes: Pick<TaskChanges, 'apply'>;
  readonly registry: Pick<WorkerRegistry, 'list'>;
  readonly clock: Pick<Clock, 'now' | 'iso'>;
  readonly log: Log;
  /** A clock that never goes back, in ms. For tests. */
  readonly elapsed?: () => number;
}

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

export class LostWorkers {
  readonly #options: LostWorkersOptions;
  readonly #elapsed: () => number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Since when the sign of a worker is missing. */
  #missing = new Map<string, number>();
  /** When the tasks of a blocked worker got their last sign of life. */
  #signedAt = new Map<string, number>();

  constructor(options: LostWorkersOptions) {
    this.#options = options;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /** One look at all workers; returns them. @throws TaskError `store_unavailable` */
  async look(): Promise<readonly KnownWorker[]> {
    const workers = await this.#options.registry.list();
    const now = this.#elapsed();
    if (now - this.#lookedAt > LONGEST_GAP_MS) this.#missing.clear();
    this.#lookedAt = now;
    const missing = new Map<string, number>();
    for (const { id, isAlive } of workers) if (!isAlive) missing.set(id, this.#missing.get(id) ?? now);
    this.#missing = missing;
    for (const worker of workers) {
      const since = missing.get(worker.id);
      const { stallInterval } = worker;
      if (since !== undefined && now - since >= stallInterval * MISSED_SHARE)
        await this.#bury(worker, now - since + stallInterval * DEAD_BEFORE_SHARE);
      else if (worker.blockedFor > SIGN_EVERY_MS) await this.#signFor(worker, now);
      else this.#signedAt.delete(worker.id);
    }
    return workers;
  }

  /**
   * Decides about every task of a dead worker, then does it. What was interrupted is done in the next look, as decided.
   * @param deadFor how long it has been dead, at least, in ms
   */
  async #bury(worker: KnownWorker, deadFor: number): Promise<void> {
    const { redis, log, clock } = this.#options;
    const decided = await this.#decide(worker.id, clock.now() - deadFor);
    const kept = await redis.keepVerdict(worker.id, JSON.stringify(decided));
    const decisions = Object.entries(JSON.parse(kept) as Record<string, Decision>);
    if (decisions.length > 0) {
      log.warn('a worker died', {
        worker: worker.id,
        tasks: decisions.map(([id, { verdict }]) => `${id}: ${verdict}`),
      });
    }
    for (const [id, decision] of decisions) await this.#carryOut(id, decision);
    await redis.forgetWorker(worker.id);
    this.#missing.delete(worker.id);
    this.#signedAt.delete(worker.id);
  }

  async #decide(worker: string, diedAt: number): Promise<Record<string, Decision>> {
    const { redis, store } = this.#options;
    const running = await redis.runningOn(worker);
    const overDeadline = new Set(await redis.endedWith(worker));
    const found: (CrashedTask & { readonly record: OwnedTask & RunState })[] = [];
    for (const [id, isolation] of Object.entries(running)) {
      const record = await store.read(id, { run: true });
      // Its record has gone or was moved on since: then this worker's death is nothing to it.
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
    const { store, changes } = this.#options;
    const record = await store.read(id, { run: true });
    if (record === null) return;
    // Refused: another run has begun, so somebody has carried it out before.
    await changes.apply(record, this.#eventFor(record, verdict, suspicion), { run, suspicion });
  }

  #eventFor({ snapshot }: OwnedTask, verdict: Verdict, { charged }: Suspicion): TaskEvent {
    const at = this.#options.clock.iso();
    const { attempt, attempts } = snapshot;
    switch (verdict) {
      case 'deadline':
        return { type: 'fail', at, attempt, error: DEADLINE };
      case 'charged':
        return { type: 'fail', at, attempt, error: workerLost(attempt < attempts ? 1 : charged), retryAt: at };
      case 'suspect':
      case 'innocent':
        return { type: 'release', at, attempt, error: workerLost(1) };
    }
  }

  /** The thread of a blocked worker says that it lives, and cannot write for its tasks: we do. */
  async #signFor(worker: KnownWorker, now: number): Promise<void> {
    if (now - (this.#signedAt.get(worker.id) ?? Number.NEGATIVE_INFINITY) < SIGN_EVERY_MS) return;
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

/** Why an attempt or a task ended with its worker, for the owner. @param times how often that has happened to it */
export function workerLost(times: number): TaskFailure {
  const message =
    times > 1
      ? `The worker stopped unexpectedly while it was at this task, ${times} times.`
      : 'The worker stopped unexpectedly.';
  return new TaskError('worker_lost', message).toFailure();
}
