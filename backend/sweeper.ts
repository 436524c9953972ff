/**
 * Finishes what a process that died, or a bus that was away, left half done: outcomes that were not pushed. Every server
 * and worker has one; a lease lets one sweep at a time.
 */

import { randomUUID } from 'node:crypto';
import type { Snapshot } from '../core/snapshot.ts';
import type { Redis } from './redis.ts';
import type { TaskStore } from './store.ts';

const SWEEP_EVERY_MS = 1_000;
const LEASE_MS = 5_000;
/** Whoever made the change gets this long to finish it. */
const PATIENCE_MS = 3_000;
const MOST_AT_ONCE = 100;

export interface SweeperOptions {
  readonly redis: Redis;
  readonly store: TaskStore;
  /** Pushes an outcome; whoever pushed it takes it off the list. */
  readonly publish: (owner: string, outcome: Snapshot) => void;
  /** Whether the bus is known to be away. */
  readonly isBusDown: () => boolean;
}

export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #holder = randomUUID();
  #timer: NodeJS.Timeout | null = null;
  #isSweeping = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** Sweeps every second from now on. Keeps no process alive. Doing so twice is harmless. */
  start(): void {
    this.#timer ??= setInterval(() => void this.sweep(), SWEEP_EVERY_MS).unref();
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** One round, if the lease is free. Never rejects: what did not work is tried in the next round. */
  async sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    try {
      if (!(await this.#options.redis.lease('sweep', this.#holder, LEASE_MS))) return;
      if (!this.#options.isBusDown()) await this.#publishTheUnpublished();
    } catch {
      // Redis is away, and has been logged as such.
    } finally {
      this.#isSweeping = false;
    }
  }

  async #publishTheUnpublished(): Promise<void> {
    const { redis, store, publish } = this.#options;
    for (const id of await redis.unpublished(PATIENCE_MS, MOST_AT_ONCE)) {
      const task = await store.read(id);
      if (task) publish(task.owner, task.snapshot);
      else await redis.settle([id]);
    }
  }
}
