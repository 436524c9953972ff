/**
 * Keeps a worker process known to be alive, and tells the operator when a handler blocks it. It serves the worker.
 *
 * The event loop renews the worker's sign of life; a thread does the same while the loop is blocked (`sign-thread.ts`).
 */

import { isDeepStrictEqual } from 'node:util';
import { Worker as Thread } from 'node:worker_threads';
import type { Log } from '../backend/log.ts';
import { type WorkerInfo, WorkerRegistry } from '../backend/recovery/worker-registry.ts';
import type { RedisServer } from '../backend/redis/address.ts';
import { SIGN_THREAD_CODE, type SignThreadData, type ToSignThread } from './sign-thread.ts';

const BEAT_EVERY_MS = 100;
/** A block shorter than this is not worth a line. */
const WORTH_SAYING_MS = 1_000;
/** How many of the tasks that ran during a block are named. */
const MOST_NAMED = 5;

export interface VitalsOptions {
  readonly id: string;
  readonly info: WorkerInfo;
  readonly registry: Pick<WorkerRegistry, 'renew' | 'leave'>;
  readonly redis: RedisServer;
  readonly keys: SignThreadData['keys'];
  readonly log: Log;
}

/** A task that runs in this process. */
interface RunningTask {
  readonly id: string;
  readonly name: string;
  /** How long it may take, the time to stop included, in ms; null for as long as it likes. */
  readonly deadline: number | null;
}

export class Vitals {
  readonly #options: VitalsOptions;
  readonly #running = new Map<string, RunningTask>();
  readonly #beat = new Int32Array(new SharedArrayBuffer(4));
  #thread: Thread | null = null;
  #server: RedisServer;
  #timers: NodeJS.Timeout[] = [];
  #beatAt = 0;
  #sharedBlock = 0;

  constructor(options: VitalsOptions) {
    this.#options = options;
    this.#server = options.redis;
  }

  start(): void {
    const { info, registry, id } = this.#options;
    const renew = () => void registry.renew(id, info).catch(() => undefined);
    renew();
    this.#beatAt = performance.now();
    this.#timers = [
      setInterval(renew, WorkerRegistry.renewEvery(info)),
      setInterval(() => this.#beatOnce(), BEAT_EVERY_MS),
    ];
    this.#startThread();
  }

  /** For how long the event loop was blocked, in all, while several tasks ran: each of them may have been held up. */
  get sharedBlock(): number {
    return this.#sharedBlock;
  }

  /** A task runs from now on; or has more time from now on than it was told before. */
  begin(task: RunningTask): void {
    const { id, name, deadline } = task;
    this.#running.set(id, task);
    if (deadline !== null) this.#tell({ type: 'begin', id, name, deadline });
  }

  end(id: string): void {
    const task = this.#running.get(id);
    this.#running.delete(id);
    if (task && task.deadline !== null) this.#tell({ type: 'end', id });
  }

  /** Redis is at `server` from now on. */
  follow(server: RedisServer): void {
    if (isDeepStrictEqual(server, this.#server)) return;
    this.#server = server;
    this.#tell({ type: 'redis', redis: server });
  }

  /** Says goodbye. Never rejects: who cannot say it is missed, and taken for dead. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#thread?.terminate();
    this.#thread = null;
    await this.#options.registry.leave(this.#options.id).catch(() => undefined);
  }

  #beatOnce(): void {
    Atomics.add(this.#beat, 0, 1);
    const now = performance.now();
    const blocked = now - this.#beatAt - BEAT_EVERY_MS;
    this.#beatAt = now;
    if (blocked < WORTH_SAYING_MS || this.#running.size === 0) return;
    if (this.#running.size > 1) this.#sharedBlock += blocked;
    this.#sayBlocked(blocked);
  }

  /** JavaScript cannot tell which of several handlers it was; those that ran are named. */
  #sayBlocked(ms: number): void {
    const running = [...this.#running.values()];
    const named = running.slice(0, MOST_NAMED).map(({ name, id }) => `${name} (${id})`);
    const more = running.length > MOST_NAMED ? ` and ${running.length - MOST_NAMED} more` : '';
    const who = running.length === 1 ? named[0] : `one of ${named.join(', ')}${more}`;
    this.#options.log.warn(
      `The event loop was blocked for ${(ms / 1_000).toFixed(1)} s by ${who}. Nothing else could run in this process. Let its handler await something between its steps, or do the work in a thread.`,
    );
  }

  #startThread(): void {
    const { keys, info, log } = this.#options;
    const data: SignThreadData = {
      beat: this.#beat,
      redis: this.#server,
      keys,
      lasts: Math.ceil(info.stallInterval),
      blockedAfter: Math.min(WORTH_SAYING_MS, WorkerRegistry.renewEvery(info)),
    };
    try {
      this.#thread = new Thread(SIGN_THREAD_CODE, { eval: true, workerData: data, stdout: false, stderr: false });
      this.#thread.on('error', (error) => {
        log.warn('The thread that gives signs of life has ended: a handler that blocks looks dead now.', { error });
      });
      this.#thread.unref();
    } catch (error) {
      log.warn('There is no thread for signs of life here: a handler that blocks looks dead.', { error });
    }
  }

  #tell(message: ToSignThread): void {
    this.#thread?.postMessage(message);
  }
}
