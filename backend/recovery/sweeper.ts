/**
 * Finishes what was left half done when a process died or the bus was away. It recovers tasks of dead workers, updates parents
 * whose children have changed, marks tasks that no worker handles, repairs the gates of concurrency keys, and pushes new tasks
 * and outcomes that were not pushed. Every server and worker process has a sweeper. Its work has three parts, each with
 * a lease of its own (`sweep`, `line`, `push`), so that one process at a time does each part.
 */

import { randomUUID } from 'node:crypto';
import { isUnavailable } from '../../core/error.ts';
import { isFinished } from '../../core/tasks/snapshot.ts';
import type { OwnedTask } from '../store/record.ts';
import type { Time } from '../time.ts';
import type { KnownWorker } from './worker-registry.ts';

const SWEEP_EVERY_MS = 1_000;
/** At least this many sweeps come within the shortest stall interval of all workers. Example: for 500 ms, one every 125 ms. */
const SWEEPS_PER_STALL_INTERVAL = 4;
/** A lease lasts as long as this many sweeps, so its holder may miss two of them. */
const SWEEPS_PER_LEASE = 3;
/** Definitions are announced again this often, since Redis may lose its data. */
const ANNOUNCE_EVERY_MS = 60_000;
/** The process that stored a new task or an outcome has this long to push it. After that, the sweeper pushes. */
const PUSH_GRACE_MS = 3_000;
/** At most this many tasks are pushed in one sweep, which bounds its time. The next sweep goes on with the others. */
const MAX_PUSHES_PER_SWEEP = 100;
/** The publisher of this process has this long to push a task. After that, the sweeper gives it the task again. */
const PUBLISHER_GRACE_MS = 10_000;
/**
 * A worker of an earlier version takes jobs from bee-queue's list, and does not fill the list from the line. So while such a
 * worker handles a definition, each sweep fills the list up to this many jobs. The price: up to 100 jobs for each sweep are taken
 * out of turn.
 */
const JOBS_FOR_OLD_WORKERS = 100;

/** What is needed of Redis. Each method rejects with a TaskError `store_unavailable` while Redis is away. */
export interface SweeperRedis {
  /** Takes or renews the lease `name` for `ms`. Returns false while another holder has it. */
  lease(name: string, holder: string, ms: number): Promise<boolean>;
  /** Notes which definitions this process starts. */
  addDefinitions(names: readonly string[]): Promise<unknown>;
  /**
   * At most `limit` ids of tasks whose outcome, or whose creation while the owner watched, was stored more than `olderThan`
   * ms ago and is not known to be pushed.
   */
  unpublished(olderThan: number, limit: number): Promise<readonly string[]>;
  /** Moves jobs of a definition from the line to bee-queue's list, until the list has `wanted` of them. */
  fillList(name: string, wanted: number): Promise<unknown>;
  /** Takes ids off the list that `unpublished` reads. */
  settle(ids: readonly string[]): Promise<unknown>;
}

export interface SweeperOptions {
  readonly redis: SweeperRedis;
  readonly store: { read(id: string): Promise<OwnedTask | null> };
  /** Keeps the clock in step with Redis. */
  readonly clock: { follow(): void };
  readonly time: Pick<Time, 'elapsed'>;
  readonly registry: { list(): Promise<readonly KnownWorker[]> };
  /** `redisWasAway`: no worker could renew its heartbeat meanwhile, so each gets its whole time again. */
  readonly lostWorkers: { sweep(): Promise<readonly KnownWorker[]>; redisWasAway(): void };
  /** Updates parents whose children have changed. */
  readonly parents: { sweep(): Promise<void> };
  readonly unserved: { sweep(workers: readonly KnownWorker[]): Promise<void> };
  readonly gateKeeper: { sweep(): Promise<void> };
  /** Pushes a task. A queued task or an outcome is taken off the list once it was pushed. */
  readonly changes: { push(task: OwnedTask, watched: boolean): unknown };
  /** Whether the last request to the bus failed. */
  readonly isBusDown: () => boolean;
  /** Asks whether the bus takes events, if no push has shown it. A failure is told to the operator. */
  readonly askBus: () => unknown;
}

/** The sweeper of one process. It does nothing before its `start`. */
export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #holder = randomUUID();
  #timer: NodeJS.Timeout | null = null;
  #isSweeping = false;
  #hasAskedBus = false;
  #intervalMs = SWEEP_EVERY_MS;
  readonly #definitions = new Set<string>();
  #announcedAt = Number.NEGATIVE_INFINITY;
  /** When each task was given to the publisher. While it waits there for a slow bus, it must not be given again. */
  readonly #givenToPublisherAt = new Map<string, number>();

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /**
   * Sweeps every second from now on, or more often if a worker's stall interval is short. The timer does not keep the
   * process alive. A second call only changes the interval.
   * @param stallInterval of the worker in this process, in ms: how long its heartbeat lasts
   */
  start(stallInterval = Number.POSITIVE_INFINITY): void {
    this.#intervalMs = intervalFor([stallInterval]);
    if (this.#timer) return;
    this.#options.clock.follow();
    this.#plan();
  }

  /** Notes that this process starts tasks of these definitions. If no worker handles one of them, the operator is told. */
  addDefinitions(names: readonly string[]): void {
    for (const name of names) this.#definitions.add(name);
    this.#announcedAt = Number.NEGATIVE_INFINITY;
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #plan(): void {
    this.#timer = setTimeout(() => {
      this.#plan();
      void this.sweep();
    }, this.#intervalMs).unref();
  }

  /** One sweep: each part whose lease is free. Never rejects: what failed is tried again in the next sweep. */
  async sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    // Once, a moment after the start: wrong keys should be told before the first push, which may come hours later.
    if (!this.#hasAskedBus) this.#options.askBus();
    this.#hasAskedBus = true;
    try {
      await this.#announceDefinitions();
      const leaseMs = this.#intervalMs * SWEEPS_PER_LEASE;
      if (await this.#options.redis.lease('sweep', this.#holder, leaseMs)) {
        const workers = await this.#options.lostWorkers.sweep();
        this.#intervalMs = intervalFor(workers.map(({ stallInterval }) => stallInterval));
        await this.#options.parents.sweep();
        await this.#options.unserved.sweep(workers);
      }
      // Not under the lease `sweep`: a sweeper of an earlier version, which does not do this part, may hold that.
      if (await this.#options.redis.lease('line', this.#holder, leaseMs)) {
        await this.#fillForOldWorkers();
        await this.#options.gateKeeper.sweep();
      }
      // Not under another lease, so that a process that cannot reach the bus leaves this part to one that can.
      if (this.#options.isBusDown()) this.#givenToPublisherAt.clear();
      else if (await this.#options.redis.lease('push', this.#holder, leaseMs)) await this.#pushUnpublished();
    } catch (error) {
      // Redis is away, which has been logged already. Any other error is a bug. It must not end the sweeps: they find dead
      // workers.
      if (isUnavailable(error)) this.#options.lostWorkers.redisWasAway();
    } finally {
      this.#isSweeping = false;
    }
  }

  async #fillForOldWorkers(): Promise<void> {
    const { redis, registry } = this.#options;
    const old = (await registry.list()).filter(({ isAlive, knowsLine }) => isAlive && !knowsLine);
    for (const name of new Set(old.flatMap(({ names }) => names))) await redis.fillList(name, JOBS_FOR_OLD_WORKERS);
  }

  async #announceDefinitions(): Promise<void> {
    const now = this.#options.time.elapsed();
    if (now - this.#announcedAt < ANNOUNCE_EVERY_MS) return;
    await this.#options.redis.addDefinitions([...this.#definitions]);
    this.#announcedAt = now;
  }

  async #pushUnpublished(): Promise<void> {
    const { redis, store, changes, time } = this.#options;
    for (const [id, at] of this.#givenToPublisherAt)
      if (time.elapsed() - at > PUBLISHER_GRACE_MS) this.#givenToPublisherAt.delete(id);
    for (const id of await redis.unpublished(PUSH_GRACE_MS, MAX_PUSHES_PER_SWEEP)) {
      if (this.#givenToPublisherAt.has(id)) continue;
      this.#givenToPublisherAt.set(id, time.elapsed());
      const task = await store.read(id);
      if (task) changes.push(task, true);
      // The publisher takes queued tasks and outcomes off the list. A task that runs by now is taken off here: its worker
      // pushes what comes next. An id without a task is taken off here, too.
      const leavesOncePushed = task !== null && (task.snapshot.status === 'queued' || isFinished(task.snapshot));
      if (!leavesOncePushed) await redis.settle([id]);
    }
  }
}

/** The time between two sweeps, in ms. */
function intervalFor(stallIntervals: readonly number[]): number {
  return Math.min(SWEEP_EVERY_MS, ...stallIntervals.map((interval) => interval / SWEEPS_PER_STALL_INTERVAL));
}
