/** What server and worker share: the store, the queue and the bus, put together. */

import { channelOf } from '../core/channel.ts';
import { type Duration, toMilliseconds } from '../core/duration.ts';
import { isObject, refuseOptions, requireOption, wholeNumber } from '../core/options.ts';
import { Clock } from './clock.ts';
import { consoleLog, guardLog, type Log } from './log.ts';
import { Bus } from './push/bus.ts';
import { Publisher } from './push/publisher.ts';
import type { EventFate, EventKind } from './push/push-events.ts';
import type { PusherOptions } from './push/pusher-env.ts';
import { JobQueues } from './queue/queue.ts';
import { LostWorkers } from './recovery/lost-workers.ts';
import { Sweeper } from './recovery/sweeper.ts';
import { UnservedTasks } from './recovery/unserved.ts';
import { WorkerRegistry } from './recovery/worker-registry.ts';
import { parseRedisAddress, type RedisEndpoint } from './redis/address.ts';
import { Redis } from './store/redis.ts';
import { TaskStore } from './store/store.ts';
import { TaskChanges } from './task-changes.ts';

export interface BackendOptions {
  /**
   * `redis[s]://[[user][:password]@]host[:port][/db]`, or an address of sentinels, or either with what TLS needs; see
   * {@link RedisEndpoint}. The same for server and worker.
   */
  readonly redis: string | RedisEndpoint | undefined;
  /** The bus: `pusherFromEnv(process.env)`. */
  readonly pusher: PusherOptions;
  /** Before every Redis key, so that several applications can share one Redis. Default `inloop:`. */
  readonly prefix?: string;
  /** How long finished tasks are kept. Default 7 days. Active ones are kept until they finish. */
  readonly retention?: Duration;
  /**
   * How many messages a second one user gets at most from this process, outcomes apart, which always go at once; a whole
   * number from 1 to 100. All tasks of the user share it. Default 10, which looks smooth; 1 is the thrifty mode: a bar
   * that moves once a second.
   */
  readonly pushesPerSecond?: number;
  /** Where to say what an operator should know. Default: lines on standard error. */
  readonly log?: Log;
}

const PUSHES_PER_SECOND = { usual: 10, least: 1, most: 100 };
const PUSHER_EXPECTED = 'what pusherFromEnv(process.env) gives';
const LEVELS = ['info', 'warn', 'error'] as const;
/** Taking what was pushed off the sweeper's list waits for more of it: the sweeper looks at nothing that is younger than seconds. */
const SETTLE_EVERY_MS = 100;
const FLUSH_MS = 2_000;

/** Which of the parts that inloop stands on work. */
export interface Health {
  /** Whether Redis takes a write as a task would ask for. */
  readonly redis: boolean;
  readonly push: boolean;
}

/**
 * Connects lazily and keeps connecting: a Redis or a bus that is away at the start is no reason to die.
 *
 * @throws ConfigError `invalid_options` for a Redis address that is none, or a number of pushes out of range
 */
export function createBackend(options: BackendOptions): Backend {
  return new Backend(options);
}

export class Backend {
  /** @internal */ readonly store: TaskStore;
  /** @internal */ readonly changes: TaskChanges;
  /** @internal */ readonly redis: Redis;
  /** @internal */ readonly clock: Clock;
  /** @internal */ readonly workers: WorkerRegistry;
  /** @internal */ readonly queues: JobQueues;
  /** @internal */ readonly bus: Bus;
  /** @internal */ readonly publisher: Publisher;
  /** @internal */ readonly sweeper: Sweeper;
  /** @internal */ readonly unserved: UnservedTasks;
  /** @internal */ readonly pusher: PusherOptions;
  /** @internal */ readonly log: Log;
  readonly #settling = new Set<string>();
  #settleTimer: NodeJS.Timeout | null = null;

  /** @internal Use {@link createBackend}. */
  constructor(options: BackendOptions) {
    checkOptions(options);
    parseRedisAddress(options.redis);
    const url = options.redis ?? '';
    const prefix = options.prefix ?? 'inloop:';
    this.log = guardLog(options.log ?? consoleLog);
    this.pusher = options.pusher;
    this.redis = new Redis({
      url,
      prefix,
      retention: toMilliseconds(options.retention ?? '7d', 'createBackend: retention') / 1_000,
      channelOf: (owner) => this.channelOf(owner),
      log: this.log,
    });
    this.clock = new Clock({ ask: () => this.redis.time() });
    this.store = new TaskStore(this.redis, this.clock);
    this.workers = new WorkerRegistry(this.redis);
    this.queues = new JobQueues({
      url,
      prefix,
      log: this.log,
      clock: this.clock,
      permit: () => this.redis.whenReady(),
    });
    this.bus = new Bus(options.pusher);
    this.publisher = new Publisher({
      bus: this.bus,
      log: this.log,
      onSettled: (ids) => this.#settle(ids),
      eventsPerSecond: wholeNumber('createBackend: pushesPerSecond', options.pushesPerSecond, PUSHES_PER_SECOND),
    });
    this.changes = new TaskChanges(this.store, this.publisher);
    const { redis, store, changes, clock, log, workers: registry } = this;
    this.unserved = new UnservedTasks({ redis, store, changes, clock, log });
    this.sweeper = new Sweeper({
      redis,
      store,
      changes,
      clock,
      isBusDown: () => this.publisher.isDown,
      unserved: this.unserved,
      lostWorkers: new LostWorkers({ redis, store, changes, registry, clock, log }),
    });
  }

  /** The channel on which `owner`'s tasks are pushed. @internal */
  channelOf(owner: string): string {
    return channelOf(owner, { encrypted: this.bus.isEncrypted });
  }

  /**
   * Whether Redis takes a write now and the bus takes events: by the last push, where that is no older than a minute, and by
   * whether a bus of one's own lets us connect. So it costs at most one message a minute. Takes at most 5 s. Never rejects.
   */
  async check(): Promise<Health> {
    const answers = (part: Promise<void>) =>
      part.then(
        () => true,
        () => false,
      );
    const [redis, push] = await Promise.all([answers(this.redis.ping()), this.#checkPush()]);
    return { redis, push };
  }

  async #checkPush(): Promise<boolean> {
    const [isReachable, takesEvents] = await Promise.all([this.bus.isReachable(), this.publisher.check()]);
    return isReachable && takesEvents;
  }

  /** Counts since the process started, for metrics. */
  counters(): Readonly<Record<string, number>> {
    const { requests, failures, events } = this.publisher.counts;
    const sum = (fate: EventFate) => Object.values(events).reduce((total, fates) => total + fates[fate], 0);
    return {
      push_requests: requests,
      push_events: sum('sent'),
      push_failures: failures,
      push_dropped: sum('dropped'),
      push_merged: sum('merged'),
      tasks_without_worker: this.unserved.marked,
    };
  }

  /** The same of events, by what they told and what became of them. */
  eventCounters(): Readonly<Record<EventKind, Readonly<Record<EventFate, number>>>> {
    return this.publisher.counts.events;
  }

  /** Resolves when what was told so far has been pushed, or after 2 s. For processes that end after they have answered. */
  async flush(): Promise<void> {
    await this.publisher.drain(FLUSH_MS);
    await this.#flushSettled();
  }

  /** Pushes what waits (for at most 2 s), then lets go of every connection. */
  async close(): Promise<void> {
    this.sweeper.stop();
    this.clock.stop();
    await this.flush();
    this.publisher.close();
    this.bus.close();
    this.queues.close();
    await this.redis.close();
  }

  /** Takes ids off the sweeper's list, many in one step. What fails is swept once more, harmlessly. */
  #settle(ids: readonly string[]): void {
    for (const id of ids) this.#settling.add(id);
    this.#settleTimer ??= setTimeout(() => void this.#flushSettled(), SETTLE_EVERY_MS);
  }

  async #flushSettled(): Promise<void> {
    if (this.#settleTimer) clearTimeout(this.#settleTimer);
    this.#settleTimer = null;
    const ids = [...this.#settling];
    this.#settling.clear();
    await this.redis.settle(ids).catch(() => undefined);
  }
}

/** Whether `value` is what {@link createBackend} gives, that of another copy of this package included. @internal */
export function isBackend(value: unknown): value is Backend {
  return isObject(value) && 'store' in value && 'publisher' in value && 'queues' in value;
}

function checkOptions(options: BackendOptions): void {
  requireOption(isObject(options), 'createBackend: the argument', 'options like { redis, pusher }', options);
  const { pusher, prefix, log } = options;
  const option = (name: string) => `createBackend: ${name}`;
  requireOption(isObject(pusher), option('pusher'), PUSHER_EXPECTED, pusher);
  const hasSecrets = [pusher.appId, pusher.key, pusher.secret].every((text) => typeof text === 'string' && text !== '');
  requireOption(hasSecrets, option('pusher'), PUSHER_EXPECTED, 'one without appId, key and secret');
  const { cluster = null, server = null } = pusher;
  const hasServer = typeof server?.host === 'string' && Number.isInteger(server.port);
  if (typeof cluster !== 'string' && !hasServer) {
    refuseOptions(
      `${option('pusher')} must be ${PUSHER_EXPECTED}: it has neither a cluster nor a server with host and port.`,
    );
  }
  requireOption(prefix === undefined || typeof prefix === 'string', option('prefix'), 'a text like inloop:', prefix);
  const isLog = log === undefined || LEVELS.every((level) => typeof log?.[level] === 'function');
  requireOption(isLog, option('log'), 'an object with the functions info, warn and error', log);
}
