/**
 * Which workers are alive and what they handle. Workers write it, sweepers read it.
 *
 * A worker's heartbeat is a Redis key that expires. The worker's event loop renews it. A handler may block the event loop,
 * so a thread renews it as well (`worker/heartbeat/watchdog-thread.ts`), and writes for how long the event loop has been
 * blocked. So a missing heartbeat means that the process is dead or cut off from Redis, and never that it is busy.
 */

/** What a worker tells of itself. */
export interface WorkerInfo {
  /** The definitions that it handles. */
  readonly names: readonly string[];
  /** How long one heartbeat lasts, in ms. */
  readonly stallInterval: number;
}

export interface KnownWorker extends WorkerInfo {
  readonly id: string;
  /** Whether its heartbeat has not expired. */
  readonly isAlive: boolean;
  /** For how long its event loop has been blocked, in ms; 0 where it is not. */
  readonly blockedFor: number;
}

/** How often a heartbeat is renewed while it lasts, so that one or two renewals may fail. */
const RENEWALS_A_HEARTBEAT = 3;

/** What is needed of Redis. Each method rejects with a TaskError `store_unavailable` while Redis is away. */
export interface RegistryRedis {
  /** Notes what a worker tells of itself, and writes a heartbeat that lasts `ms`. */
  renewWorker(id: string, info: string, ms: number): Promise<unknown>;
  /** Every worker that was not forgotten. `sign`: the heartbeat, null where it has expired. */
  workers(): Promise<readonly { readonly id: string; readonly info: string; readonly sign: string | null }[]>;
  /** How each task that a worker runs was started, by id of the task. */
  runningOn(worker: string): Promise<Readonly<Record<string, string>>>;
  forgetWorker(worker: string): Promise<unknown>;
}

export class WorkerRegistry {
  readonly #redis: RegistryRedis;

  constructor(redis: RegistryRedis) {
    this.#redis = redis;
  }

  /** The time between two renewals, in ms. */
  static renewEvery({ stallInterval }: WorkerInfo): number {
    return stallInterval / RENEWALS_A_HEARTBEAT;
  }

  /** Renews a worker's heartbeat. @throws TaskError `store_unavailable` */
  async renew(id: string, info: WorkerInfo): Promise<void> {
    await this.#redis.renewWorker(id, JSON.stringify(info), info.stallInterval);
  }

  /** Every worker that has come and not left, dead ones too. @throws TaskError `store_unavailable` */
  async list(): Promise<KnownWorker[]> {
    return (await this.#redis.workers()).map(({ id, info, sign }) => ({
      id,
      ...(JSON.parse(info) as WorkerInfo),
      isAlive: sign !== null,
      blockedFor: Number(sign ?? 0),
    }));
  }

  /**
   * A worker leaves. If it leaves tasks behind, it stays listed, so that the sweeper misses its heartbeat and recovers them.
   * @throws TaskError `store_unavailable`
   */
  async leave(id: string): Promise<void> {
    if (Object.keys(await this.#redis.runningOn(id)).length === 0) await this.#redis.forgetWorker(id);
  }
}
