/**
 * Renews the heartbeat of a worker process, so that others know that it is alive. It serves the worker.
 *
 * Both the event loop and a thread renew the worker's heartbeat in Redis. The thread goes on while a handler blocks the event
 * loop, and ends the process if the block goes beyond the deadline of a task (`watchdog-thread.ts`).
 */

import { isDeepStrictEqual } from 'node:util';
import { Worker as Thread } from 'node:worker_threads';
import type { Emitter } from '../../backend/events/events.ts';
import { type WorkerInfo, WorkerRegistry } from '../../backend/recovery/worker-registry.ts';
import type { RedisServer } from '../../backend/redis/address.ts';
import type { Time } from '../../backend/time.ts';
import { BEAT_MS, BlockMonitor, type RunningTask, SHORTEST_BLOCK_MS } from './block-monitor.ts';
import { RunningTable } from './running-table.ts';
import { type ToWatchdog, WATCHDOG_CODE, type WatchdogData } from './watchdog-thread.ts';

export interface HeartbeatOptions {
  /** Of the worker. */
  readonly id: string;
  readonly info: WorkerInfo;
  readonly registry: Pick<WorkerRegistry, 'renew' | 'leave'>;
  readonly redis: RedisServer;
  readonly keys: WatchdogData['keys'];
  readonly time: Pick<Time, 'elapsed' | 'every'>;
  readonly events: Emitter;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #monitor: BlockMonitor;
  /** Counts up while the event loop turns; the thread reads it. */
  readonly #beats = new Int32Array(new SharedArrayBuffer(4));
  /** The thread reads this too. */
  readonly #table = new RunningTable((memory, names) => this.#tell({ type: 'tasks', memory, names }));
  #thread: Thread | null = null;
  #server: RedisServer;
  #stopTimers: (() => void)[] = [];

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#server = options.redis;
    this.#monitor = new BlockMonitor(options.events, options.time.elapsed());
  }

  /** How long the event loop was blocked in total while several tasks ran, in ms. */
  get sharedBlockMs(): number {
    return this.#monitor.sharedBlockMs;
  }

  /** Renews the heartbeat from now on. Call it once. */
  start(): void {
    const { info, registry, id, time } = this.#options;
    const renew = () => void registry.renew(id, info).catch(() => undefined);
    renew();
    this.#stopTimers = [
      time.every(WorkerRegistry.renewalIntervalOf(info), renew),
      time.every(BEAT_MS, () => {
        Atomics.add(this.#beats, 0, 1);
        this.#monitor.beat(time.elapsed());
      }),
    ];
    this.#startThread();
  }

  /** A task runs, or has another deadline, from now on. */
  begin(task: RunningTask): void {
    this.#monitor.begin(task);
    this.#table.set(task);
  }

  /** A task has ended. */
  end(id: string): void {
    this.#monitor.end(id);
    this.#table.delete(id);
  }

  /** Tells the thread that Redis is at `server` from now on. */
  moveTo(server: RedisServer): void {
    if (isDeepStrictEqual(server, this.#server)) return;
    this.#server = server;
    this.#tell({ type: 'redis', redis: server });
  }

  /** Stops the heartbeat and removes the worker. Never rejects: if Redis is away, the heartbeat expires by itself. */
  async stop(): Promise<void> {
    for (const stop of this.#stopTimers) stop();
    await this.#thread?.terminate();
    this.#thread = null;
    await this.#options.registry.leave(this.#options.id).catch(() => undefined);
  }

  #startThread(): void {
    const { keys, info, events } = this.#options;
    const data: WatchdogData = {
      beats: this.#beats,
      redis: this.#server,
      keys,
      lastsMs: Math.ceil(info.stallInterval),
      blockedAfterMs: Math.min(SHORTEST_BLOCK_MS, WorkerRegistry.renewalIntervalOf(info)),
    };
    try {
      this.#thread = new Thread(WATCHDOG_CODE, { eval: true, workerData: data, stdout: false, stderr: false });
      this.#thread.on('error', (error) => {
        events.emit('worker.without-watchdog', () => ({ hasEnded: true }), { error });
      });
      this.#thread.unref();
    } catch (error) {
      events.emit('worker.without-watchdog', () => ({ hasEnded: false }), { error });
    }
  }

  #tell(message: ToWatchdog): void {
    this.#thread?.postMessage(message);
  }
}
