/**
 * Which workers are alive and what they handle. Workers say so here; sweepers look here.
 *
 * A worker's sign of life is a key of Redis that expires. It is renewed by the worker's own event loop and, since a
 * handler may block that, by a thread beside it (`worker/heartbeat/watchdog-thread.ts`), which says for how long it has been blocked. So a
 * missing sign means a dead process (or a lost network), and never a busy one.
 */

import type { Redis } from '../store/redis.ts';

/** What a worker tells of itself. */
export interface WorkerInfo {
  /** The definitions that it handles. */
  readonly names: readonly string[];
  /** How long its sign of life lasts, in ms. */
  readonly stallInterval: number;
}

export interface KnownWorker extends WorkerInfo {
  readonly id: string;
  /** Whether its sign of life is there. */
  readonly isAlive: boolean;
  /** For how long its event loop has been blocked, in ms, as far as its thread says so; else 0. */
  readonly blockedFor: number;
}

/** How often a sign is renewed while it lasts, so that one or two may fail. */
const RENEWALS_A_SIGN = 3;

export class WorkerRegistry {
  readonly #redis: Pick<Redis, 'renewWorker' | 'workers' | 'runningOn' | 'forgetWorker'>;

  constructor(redis: Pick<Redis, 'renewWorker' | 'workers' | 'runningOn' | 'forgetWorker'>) {
    this.#redis = redis;
  }

  /** How often to renew, in ms. */
  static renewEvery({ stallInterval }: WorkerInfo): number {
    return stallInterval / RENEWALS_A_SIGN;
  }

  /** A sign of life. @throws TaskError `store_unavailable` */
  async renew(id: string, info: WorkerInfo): Promise<void> {
    await this.#redis.renewWorker(id, JSON.stringify(info), info.stallInterval);
  }

  /** Everyone who has come and not gone. @throws TaskError `store_unavailable` */
  async list(): Promise<KnownWorker[]> {
    return (await this.#redis.workers()).map(({ id, info, sign }) => ({
      id,
      ...(JSON.parse(info) as WorkerInfo),
      isAlive: sign !== null,
      blockedFor: Number(sign ?? 0),
    }));
  }

  /** A worker has gone. What it still ran is left for the sweeper, which will miss it. @throws TaskError `store_unavailable` */
  async leave(id: string): Promise<void> {
    if (Object.keys(await this.#redis.runningOn(id)).length === 0) await this.#redis.forgetWorker(id);
  }
}
