/**
 * Builds what server and worker share: store, queue, bus and recovery. It serves adopters, who hand a backend to both.
 * `options.ts` checks the options. This file hands each part the other parts that it needs.
 */

import { channelOf } from '../core/channel.ts';
import { isObject } from '../core/values/options.ts';
import { Clock } from './clock.ts';
import { countersOf } from './events/counters.ts';
import type { EventName, NamedEvent } from './events/event-map.ts';
import { Events } from './events/events.ts';
import { tellOnce } from './events/tell-once.ts';
import { ParentUpdates } from './family/parent-updates.ts';
import { HookQueue } from './hooks/hook-queue.ts';
import type { Log } from './log/log.ts';
import { type BackendOptions, checkBackendOptions } from './options.ts';
import { ORIGIN, OWN_ORIGIN } from './origin.ts';
import { Bus } from './push/bus/bus.ts';
import { BusHealth } from './push/bus/bus-health.ts';
import type { PusherOptions } from './push/bus/pusher-env.ts';
import { Publisher, type PublisherCounts } from './push/publisher.ts';
import type { EventFate, EventKind } from './push/push-events.ts';
import { JobQueues } from './queue/queue.ts';
import { createSweeper } from './recovery/create-sweeper.ts';
import { SettledTasks } from './recovery/settled-tasks.ts';
import type { Sweeper } from './recovery/sweeper.ts';
import { WorkerRegistry } from './recovery/worker-registry.ts';
import { FamilyStore } from './store/families.ts';
import { Redis } from './store/redis.ts';
import { TaskStore } from './store/store.ts';
import { TaskChanges } from './task-changes.ts';
import { systemTime } from './time.ts';

/** How long `flush` and `close` wait for updates of parents, and then again for events to be pushed. */
const FLUSH_MS = 2_000;

/** Whether Redis and the bus work. */
export interface Health {
  /** Whether Redis takes a write, as every task needs it. */
  readonly redis: boolean;
  /** Whether the bus takes events. */
  readonly push: boolean;
}

/** What there is to do, in all processes together. */
export interface Load {
  /**
   * How many tasks wait for a worker, for each definition that servers start, by its name. Tasks that are to start later, or
   * wait for their next attempt, are not counted. The number is an estimate where more than 1,000 owners wait.
   */
  readonly waiting: Readonly<Record<string, number>>;
  /** How many tasks were being run by workers whose heartbeat is missing now. They are recovered within seconds. */
  readonly withoutHeartbeat: number;
}

/**
 * Makes a backend. It connects when it is first used, and keeps trying while Redis or the bus is away.
 *
 * @throws ConfigError `invalid_options` if an option is missing, malformed or out of range
 */
export function createBackend(options: BackendOptions): Backend {
  return new Backend(options);
}

/** What server and worker share. {@link createBackend} makes it. */
export class Backend {
  /** @internal */ readonly [ORIGIN] = OWN_ORIGIN;
  /** @internal */ readonly store: TaskStore;
  /** @internal */ readonly changes: TaskChanges;
  /** @internal */ readonly parents: ParentUpdates;
  /** @internal */ readonly redis: Redis;
  /** @internal */ readonly clock: Clock;
  /** @internal */ readonly hooks: HookQueue;
  /** @internal */ readonly workers: WorkerRegistry;
  /** @internal */ readonly queues: JobQueues;
  /** @internal */ readonly bus: Bus;
  /** @internal */ readonly publisher: Publisher;
  /** @internal */ readonly sweeper: Sweeper;
  /** @internal */ readonly pusher: PusherOptions;
  /** By how much of its total a bar may be off on a page. @internal */
  readonly accuracy: number;
  /** @internal */ readonly log: Log;
  /** @internal */ readonly events: Events;
  readonly #settled: SettledTasks;
  readonly #busHealth: BusHealth;

  /** @internal Use {@link createBackend}. */
  constructor(options: BackendOptions) {
    const { url, pusher, prefix, retention, pushesPerSecond, accuracy, log } = checkBackendOptions(options);
    this.log = log;
    const events = new Events(log);
    this.events = events;
    this.pusher = pusher;
    this.accuracy = accuracy;

    // Redis, which holds the truth.
    const redis = new Redis({ url, prefix, retention, events, channelOf: (owner) => this.channelOf(owner) });
    const clock = new Clock({
      ask: () => redis.time(),
      // In seconds, rounded to whole minutes: the operator is told when the difference is another minute, not of small changes.
      onDrift: (ms) => tellOnce(events, 'clock', String(Math.round(ms / 60_000) * 60)),
    });
    const store = new TaskStore(redis, clock);
    const registry = new WorkerRegistry(redis);
    this.redis = redis;
    this.clock = clock;
    this.store = store;
    this.hooks = new HookQueue(redis);
    this.workers = registry;
    this.queues = new JobQueues({ url, prefix, events, clock, permit: () => redis.whenReady() });

    // The bus, which tells pages what Redis holds. What it loses, pages fetch.
    this.bus = new Bus(pusher);
    this.#settled = new SettledTasks({
      settle: (ids, sent) => redis.settle(ids, sent),
      countSent: () => countSent(this.publisher.counts),
      time: systemTime,
    });
    this.publisher = new Publisher({
      bus: this.bus,
      events,
      onSettled: (ids) => this.#settled.add(ids),
      eventsPerSecond: pushesPerSecond,
    });
    this.#busHealth = new BusHealth({
      bus: this.bus,
      publisher: this.publisher,
      proof: redis.pushProof,
      time: systemTime,
    });

    // Changes of tasks: stored in Redis first, pushed second. Parents and changes call each other.
    this.parents = new ParentUpdates({
      store,
      families: new FamilyStore(redis),
      changes: { apply: (task, event) => changes.apply(task, event) },
      clock,
      time: systemTime,
    });
    const changes = new TaskChanges(store, this.publisher, events, this.parents);
    this.changes = changes;

    // Recovery of what other processes left half done.
    const { parents, publisher } = this;
    this.sweeper = createSweeper({ redis, store, changes, parents, registry, publisher, clock, events });
  }

  /** The channel on which `owner`'s tasks are pushed. @internal */
  channelOf(owner: string): string {
    return channelOf(owner, { encrypted: this.bus.isEncrypted });
  }

  /**
   * Whether Redis takes a write now and the bus takes events. The bus must accept a connection, and a push of any process
   * within the last 10 minutes is proof that it takes events; without one, an event for nobody is sent to find out. So this
   * costs each process one message after its start, and then all processes together at most 6 an hour, however often they
   * are asked. While Redis is away, each process needs its own proof. Takes at most 8 s. Never rejects.
   */
  async check(): Promise<Health> {
    const answers = (part: Promise<void>) =>
      part.then(
        () => true,
        () => false,
      );
    const [redis, push] = await Promise.all([answers(this.redis.probeWrite()), this.#busHealth.check()]);
    return { redis, push };
  }

  /**
   * Calls `listener` whenever the named event happens in this process, for metrics, alarms or a trace of your own.
   * docs/operating.md lists the events and their fields. A listener is called in the middle of the work, so it must be quick.
   * Errors that it throws or rejects with are ignored.
   * @returns a function that removes the listener
   * @throws ConfigError `invalid_options` if there is no such event
   *
   * @example
   * backend.on('task.ended', ({ name, status, runSeconds }) => histogram.record(runSeconds ?? 0, { name, status }));
   */
  on<N extends EventName>(name: N, listener: (event: NamedEvent<N>) => unknown): () => void {
    return this.events.on(name, listener);
  }

  /**
   * What there is to do now, for metrics and for starting as many workers as are needed. It asks Redis once for each definition.
   *
   * @throws TaskError `store_unavailable` while Redis is away
   */
  async load(): Promise<Load> {
    const [names, workers] = await Promise.all([this.redis.definitions(), this.workers.list()]);
    const lost = workers.filter(({ isAlive }) => !isAlive);
    const [waiting, running] = await Promise.all([
      Promise.all(names.map(async (name) => [name, await this.redis.countWaiting(name)] as const)),
      Promise.all(lost.map(({ id }) => this.redis.runningOn(id))),
    ]);
    return {
      waiting: Object.fromEntries(waiting),
      withoutHeartbeat: running.reduce((sum, tasks) => sum + Object.keys(tasks).length, 0),
    };
  }

  /** Counts since the process started, for metrics. */
  counters(): Readonly<Record<string, number>> {
    return countersOf(this.publisher.counts, this.events.counts);
  }

  /** How often each named event has happened since the process started. */
  namedEventCounters(): Readonly<Record<EventName, number>> {
    return this.events.counts;
  }

  /** How many events of the bus there were since the process started, by kind and by what became of them. */
  eventCounters(): Readonly<Record<EventKind, Readonly<Record<EventFate, number>>>> {
    return this.publisher.counts.events;
  }

  /**
   * Resolves when all waiting events have been pushed. For processes that end right after a change. Takes at most 5.5 s: 2 s to
   * update parents of tasks that have changed, 2 s to push, 1.5 s to note in Redis what was pushed.
   */
  async flush(): Promise<void> {
    await systemTime.within(this.parents.flush(), FLUSH_MS).catch(() => undefined);
    await this.publisher.drain(FLUSH_MS);
    await this.#settled.flush();
  }

  /** Pushes what waits, as {@link flush} does, then closes every connection. */
  async close(): Promise<void> {
    this.sweeper.stop();
    this.clock.stop();
    await this.flush();
    this.publisher.close();
    this.bus.close();
    this.queues.close();
    await this.redis.close();
  }
}

/** How many events were sent, of all kinds. */
function countSent({ events }: PublisherCounts): number {
  return Object.values(events).reduce((sum, fates) => sum + fates.sent, 0);
}

/** Whether {@link createBackend} made `value`, in this copy of the package or another one. @internal */
export function isBackend(value: unknown): value is Backend {
  return isObject(value) && 'store' in value && 'publisher' in value && 'queues' in value;
}
