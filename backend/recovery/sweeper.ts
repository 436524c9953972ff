/**
 * Finishes what a process that died, or a bus that was away, left half done: tasks of dead workers, tasks that no worker
 * can do, and outcomes that were not pushed. Every server and worker has one; a lease lets one sweep at a time.
 */

import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Redis } from '../store/redis.ts';
import type { TaskStore } from '../store/store.ts';
import type { TaskChanges } from '../task-changes.ts';
import type { LostWorkers } from './lost-workers.ts';
import type { UnservedTasks } from './unserved.ts';

const SWEEP_EVERY_MS = 1_000;
/** Workers with short stall intervals are looked at so many times an interval. */
const SWEEPS_A_STALL = 4;
/** How many rounds the lease lasts: who sweeps may miss two of them. */
const ROUNDS_A_LEASE = 3;
/** Definitions are said again now and then, since Redis may lose its data. */
const SAY_EVERY_MS = 60_000;
/** Whoever made the change gets this long to finish it. */
const PATIENCE_MS = 3_000;
const MOST_AT_ONCE = 100;
/** How long the publisher may take to push an outcome before it is given it again. */
const HANDED_OVER_MS = 10_000;

export interface SweeperOptions {
  readonly redis: Redis;
  readonly store: TaskStore;
  readonly clock: Clock;
  readonly lostWorkers: Pick<LostWorkers, 'look'>;
  readonly unserved: Pick<UnservedTasks, 'look'>;
  /** Pushes an outcome; whoever pushed it takes it off the list. */
  readonly changes: Pick<TaskChanges, 'push'>;
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
  #saidAt = Number.NEGATIVE_INFINITY;
  /** Ids that the publisher was given, and when: while a slow bus has them they are not to be pushed twice. */
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

  /** This process starts tasks of these definitions: a sweeper tells if no worker handles one of them. */
  addDefinitions(names: readonly string[]): void {
    for (const name of names) this.#definitions.add(name);
    this.#saidAt = Number.NEGATIVE_INFINITY;
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
      await this.#sayDefinitions();
      const leaseMs = this.#every * ROUNDS_A_LEASE;
      if (await this.#options.redis.lease('sweep', this.#holder, leaseMs)) {
        const workers = await this.#options.lostWorkers.look();
        this.#every = everyFor(workers.map(({ stallInterval }) => stallInterval));
        await this.#options.unserved.look(workers);
      }
      // A lease of its own: whoever cannot push lets it go to a process that reaches the bus.
      if (this.#options.isBusDown()) this.#handedOver.clear();
      else if (await this.#options.redis.lease('push', this.#holder, leaseMs)) await this.#publishTheUnpublished();
    } catch {
      // Redis is away, and has been logged as such.
    } finally {
      this.#isSweeping = false;
    }
  }

  async #sayDefinitions(): Promise<void> {
    const now = performance.now();
    if (now - this.#saidAt < SAY_EVERY_MS) return;
    await this.#options.redis.addDefinitions([...this.#definitions]);
    this.#saidAt = now;
  }

  async #publishTheUnpublished(): Promise<void> {
    const { redis, store, changes } = this.#options;
    for (const [id, at] of this.#handedOver) if (performance.now() - at > HANDED_OVER_MS) this.#handedOver.delete(id);
    for (const id of await redis.unpublished(PATIENCE_MS, MOST_AT_ONCE)) {
      if (this.#handedOver.has(id)) continue;
      this.#handedOver.set(id, performance.now());
      const task = await store.read(id);
      if (task) changes.push(task, false);
      else await redis.settle([id]);
    }
  }
}

function everyFor(stallIntervals: readonly number[]): number {
  return Math.min(SWEEP_EVERY_MS, ...stallIntervals.map((interval) => interval / SWEEPS_A_STALL));
}
