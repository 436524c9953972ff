/**
 * Which workers are alive and what they handle. Workers write it; sweepers, the operator's page and `npx inloop doctor` read it.
 *
 * A worker's heartbeat is a Redis key that expires. The worker's event loop renews it. A handler may block the event loop,
 * so a thread renews it as well (`worker/heartbeat/watchdog-thread.ts`), and writes for how long the event loop has been
 * blocked. So a missing heartbeat means that the process is dead or cut off from Redis, and never that it is busy.
 */

/** What a worker says about itself. */
export interface WorkerInfo {
  /** The definitions that it handles. */
  readonly names: readonly string[];
  /** How long one heartbeat lasts, in ms. */
  readonly stallInterval: number;
  /** When it started, in ISO 8601; not known of workers of earlier versions. */
  readonly startedAt?: string;
  /** How many tasks of each definition it runs at once; not known of workers of earlier versions. */
  readonly concurrency?: number;
}

/** A registered worker, as sweepers see it. */
export interface KnownWorker extends WorkerInfo {
  readonly id: string;
  /** Whether it takes jobs from the line. Workers of the trial version take them from bee-queue's list only. */
  readonly knowsLine: boolean;
  /** Whether its heartbeat has not expired. */
  readonly isAlive: boolean;
  /** For how long its event loop has been blocked, in ms; 0 if it is not. */
  readonly blockedFor: number;
}

/** How often a heartbeat is renewed in the time that it lasts. So it does not expire if one renewal fails. */
const RENEWALS_PER_HEARTBEAT = 3;

/** What is needed of Redis. Each method rejects with a TaskError `store_unavailable` while Redis is away. */
export interface RegistryRedis {
  /** Stores what a worker says about itself, and writes a heartbeat that lasts `ms`. */
  renewWorker(id: string, info: string, ms: number): Promise<unknown>;
  /** Every registered worker. `heartbeat` is null if it has expired. */
  workers(): Promise<readonly { readonly id: string; readonly info: string; readonly heartbeat: string | null }[]>;
  /** The isolation of each task that a worker runs, by the task's id. */
  runningOn(worker: string): Promise<Readonly<Record<string, string>>>;
  forgetWorker(worker: string): Promise<unknown>;
}

/** Reads and writes what Redis holds about workers. */
export class WorkerRegistry {
  readonly #redis: RegistryRedis;

  constructor(redis: RegistryRedis) {
    this.#redis = redis;
  }

  /** The time between two renewals, in ms. */
  static renewalIntervalOf({ stallInterval }: WorkerInfo): number {
    return stallInterval / RENEWALS_PER_HEARTBEAT;
  }

  /** Renews a worker's heartbeat. @throws TaskError `store_unavailable` */
  async renew(id: string, info: WorkerInfo): Promise<void> {
    await this.#redis.renewWorker(id, JSON.stringify({ ...info, knowsLine: true }), info.stallInterval);
  }

  /** Every registered worker, dead ones included. @throws TaskError `store_unavailable` */
  async list(): Promise<KnownWorker[]> {
    return (await this.#redis.workers()).map(({ id, info, heartbeat }) => ({
      id,
      knowsLine: false,
      ...(JSON.parse(info) as WorkerInfo),
      isAlive: heartbeat !== null,
      // The watchdog thread writes the ms into the heartbeat; while the event loop turns, the heartbeat is ''.
      blockedFor: Number(heartbeat ?? 0),
    }));
  }

  /**
   * Removes a worker that stops. A worker that leaves tasks behind stays registered. Its heartbeat then expires, and the sweeper
   * recovers the tasks.
   * @throws TaskError `store_unavailable`
   */
  async leave(id: string): Promise<void> {
    if (Object.keys(await this.#redis.runningOn(id)).length === 0) await this.#redis.forgetWorker(id);
  }
}
