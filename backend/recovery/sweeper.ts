/**
 * Finishes what a process that died, or a bus that was away, left half done: tasks of dead workers, tasks that no worker
 * can do, and new tasks and outcomes that were not pushed. Every server and worker has one; a lease lets one sweep at a time.
 */

import { randomUUID } from 'node:crypto';
import { isFinished } from '../../core/snapshot.ts';
import type { OwnedTask } from '../store/record.ts';
import type { Time } from '../time.ts';
import type { KnownWorker } from './worker-registry.ts';

const SWEEP_EVERY_MS = 1_000;
/** At least so many sweeps fall into the shortest stall interval of any worker. */
const SWEEPS_A_STALL = 4;
/** How many rounds the lease lasts: the process that holds it may miss two of them. */
const ROUNDS_A_LEASE = 3;
/** Definitions are announced again now and then, since Redis may lose its data. */
const ANNOUNCE_EVERY_MS = 60_000;
/** The process that stored a task or an outcome has this long to push it. */
const PUSH_GRACE_MS = 3_000;
const MOST_AT_ONCE = 100;
/** How long our publisher has to push a task, before it gets it again. */
const HANDED_OVER_MS = 10_000;

/** What is needed of Redis. Each method rejects with a TaskError `store_unavailable` while Redis is away. */
export interface SweeperRedis {
  /** Whether `holder` has the lease `name` for the next `ms`. At most one holder has it at a time. */
  lease(name: string, holder: string, ms: number): Promise<boolean>;
  /** Notes which definitions this process starts. */
  addDefinitions(names: readonly string[]): Promise<unknown>;
  /**
   * At most `limit` ids of tasks whose outcome, or whose creation while the owner watched, was stored more than `olderThan`
   * ms ago and is not known to be pushed.
   */
  unpublished(olderThan: number, limit: number): Promise<readonly string[]>;
  /** Takes ids off that list. */
  settle(ids: readonly string[]): Promise<unknown>;
}

export interface SweeperOptions {
  readonly redis: SweeperRedis;
  readonly store: { read(id: string): Promise<OwnedTask | null> };
  /** Asks Redis for the time now and then. */
  readonly clock: { follow(): void };
  readonly time: Pick<Time, 'elapsed'>;
  readonly lostWorkers: { look(): Promise<readonly KnownWorker[]> };
  readonly unserved: { look(workers: readonly KnownWorker[]): Promise<void> };
  /** Pushes a task. Once a queued task or an outcome was pushed it leaves the list. */
  readonly changes: { push(task: OwnedTask, watched: boolean): unknown };
  /** Whether the bus is known to be away. */
  readonly isBusDown: () => boolean;
}

export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #holder = randomUUID();
  #timer: NodeJS.Timeout | null = null;
  #isSweeping = false;
  #every = SWEEP_EVERY_MS;
  readonly #definitions = new Set<string>();
  #announcedAt = Number.NEGATIVE_INFINITY;
  /** When the publisher was given each task. While a slow bus is at it, it must not be given it again. */
  readonly #handedOver = new Map<string, number>();

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /**
   * Sweeps every second from now on, or more often where workers' stall intervals are short. Keeps no process alive. Doing
   * so twice is harmless.
   * @param stallInterval of the worker in this process, in ms
   */
  start(stallInterval = Number.POSITIVE_INFINITY): void {
    this.#every = everyFor([stallInterval]);
    if (this.#timer) return;
    this.#options.clock.follow();
    this.#plan();
  }

  /** This process starts tasks of these definitions. If no worker handles one of them, a sweeper tells. */
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
    }, this.#every).unref();
  }

  /** One round, if the lease is free. Never rejects: what did not work is tried in the next round. */
  async sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    try {
      await this.#announceDefinitions();
      const leaseMs = this.#every * ROUNDS_A_LEASE;
      if (await this.#options.redis.lease('sweep', this.#holder, leaseMs)) {
        const workers = await this.#options.lostWorkers.look();
        this.#every = everyFor(workers.map(({ stallInterval }) => stallInterval));
        await this.#options.unserved.look(workers);
      }
      // A lease of its own, so that a process that does not reach the bus leaves this to one that does.
      if (this.#options.isBusDown()) this.#handedOver.clear();
      else if (await this.#options.redis.lease('push', this.#holder, leaseMs)) await this.#publishTheUnpublished();
    } catch {
      // Redis is away, and has been logged as such.
    } finally {
      this.#isSweeping = false;
    }
  }

  async #announceDefinitions(): Promise<void> {
    const now = this.#options.time.elapsed();
    if (now - this.#announcedAt < ANNOUNCE_EVERY_MS) return;
    await this.#options.redis.addDefinitions([...this.#definitions]);
    this.#announcedAt = now;
  }

  async #publishTheUnpublished(): Promise<void> {
    const { redis, store, changes } = this.#options;
    for (const [id, at] of this.#handedOver)
      if (this.#options.time.elapsed() - at > HANDED_OVER_MS) this.#handedOver.delete(id);
    for (const id of await redis.unpublished(PUSH_GRACE_MS, MOST_AT_ONCE)) {
      if (this.#handedOver.has(id)) continue;
      this.#handedOver.set(id, this.#options.time.elapsed());
      const task = await store.read(id);
      if (task) changes.push(task, true);
      // A task that has moved on since is pushed this once: its worker pushes what comes next.
      if (task?.snapshot.status !== 'queued' && !(task && isFinished(task.snapshot))) await redis.settle([id]);
    }
  }
}

function everyFor(stallIntervals: readonly number[]): number {
  return Math.min(SWEEP_EVERY_MS, ...stallIntervals.map((interval) => interval / SWEEPS_A_STALL));
}
