/** `createMemoryBackend`: a backend for the tests of an application's routes. It needs no Redis, no bus and no worker. */

import { Events } from '../../backend/events/events.ts';
import { ParentUpdates } from '../../backend/family/parent-updates.ts';
import { guardLog, type Log } from '../../backend/log/log.ts';
import { Bus } from '../../backend/push/bus/bus.ts';
import type { PusherOptions } from '../../backend/push/bus/pusher-env.ts';
import type { ServerBackend } from '../../backend/server-backend.ts';
import { TaskChanges } from '../../backend/task-changes.ts';
import { channelOf } from '../../core/channel.ts';
import type { AnyTaskDefinition } from '../../core/tasks/definition.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { eventName, type SeenEvent, type TaskEventName } from '../../core/wire.ts';
import type { Handler } from '../../worker/context.ts';
import type { Handling } from '../../worker/start/job-starter.ts';
import { runHandlers } from '../run-handlers.ts';
import type { TestClock } from '../time/test-clock.ts';
import { chooseTime, type TestTime } from '../time/test-time.ts';
import { MemoryQueues } from './memory-queues.ts';
import { MemoryStore } from './memory-store.ts';
import { WatchedChannels } from './watched-channels.ts';

/** An event that would have been pushed. */
export interface PushedEvent {
  readonly owner: string;
  readonly name: TaskEventName;
  readonly snapshot: Snapshot;
}

/** What `createMemoryBackend` takes. */
export interface MemoryBackendOptions {
  /** The clock of the test. Default: a new one, or the global timers if they are faked. */
  readonly clock?: TestClock;
  /** Gets what an operator would be told. Default: nothing is written. */
  readonly log?: Log;
}

/** A backend in memory, with what a test needs to run tasks and to look at pushes. */
export interface MemoryBackend extends ServerBackend {
  /** Sets the handler of a definition, as `handle` of a worker does. */
  handle<D extends AnyTaskDefinition>(definition: D, handler: Handler<D>): this;
  /**
   * Runs every task that waits, and those that are started meanwhile, until each has its outcome. Attempts that failed are
   * repeated; the time jumps over the waits between them.
   * @throws ConfigError `invalid_options` if tasks wait whose handler is not known; TaskError `handler_stuck` if a handler
   *   did not stop when it was told to
   */
  runAll(): Promise<void>;
  /** What would have been pushed so far, in order. Of an owner whose channel a webhook has called vacant: only outcomes. */
  readonly pushed: readonly PushedEvent[];
}

/** The address of no bus. A page that gets it polls the server. */
const NO_BUS: PusherOptions = {
  appId: 'memory',
  key: 'memory',
  secret: 'memory',
  cluster: null,
  server: { host: '127.0.0.1', port: 9, tls: false },
  browser: { host: '127.0.0.1', port: 9, tls: false },
  encryptionKey: null,
};
const NO_LOG: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What a definition's `retention` is compared with, in seconds: the default of `createBackend`. Nothing expires here. */
const RETENTION_S = 7 * 24 * 3_600;

/**
 * Makes a backend that keeps everything in memory, for one test or one file of tests.
 *
 * @throws ConfigError `invalid_options`
 * @example
 * const backend = createMemoryBackend().handle(importContacts, importHandler);
 * const app = createApp({ backend });   // calls createTaskServer({ backend, tasks, identify })
 * const { id } = await post(app, '/imports', file);
 * await backend.runAll();
 * expect(await get(app, `/tasks/${id}`)).toMatchObject({ status: 'succeeded' });
 */
export function createMemoryBackend(options: MemoryBackendOptions = {}): MemoryBackend {
  return new InMemoryBackend(chooseTime(options.clock, 'createMemoryBackend'), options.log);
}

/** @internal Use {@link createMemoryBackend}. */
export class InMemoryBackend implements MemoryBackend {
  readonly time: TestTime;
  readonly store: MemoryStore;
  readonly changes: TaskChanges;
  readonly parents: ParentUpdates;
  readonly queues: MemoryQueues;
  readonly redis: ServerBackend['redis'];
  readonly clock: { now(): number; iso(ms?: number): string; ready(): Promise<void> };
  readonly bus: ServerBackend['bus'];
  readonly publisher = { isDown: false, publishSessionEnd: () => undefined };
  readonly sweeper = { start: () => undefined, addDefinitions: () => undefined };
  readonly pusher = NO_BUS;
  readonly events: Events;
  readonly log: Log;
  readonly pushed: PushedEvent[] = [];
  readonly #handlers = new Map<string, Handling>();

  constructor(time: TestTime, log: Log = NO_LOG) {
    const now = () => time.now();
    this.time = time;
    this.log = guardLog(log);
    this.events = new Events(this.log);
    this.clock = { now, iso: (ms = 0) => new Date(now() + ms).toISOString(), ready: async () => undefined };
    this.queues = new MemoryQueues(time);
    const watched = new WatchedChannels(now, (owner) => this.store.countActive(owner) > 0);
    this.store = new MemoryStore({
      now,
      isWatched: (owner) => watched.isWatched(this.channelOf(owner)),
      queues: this.queues,
    });
    this.redis = {
      retention: RETENTION_S,
      onChange: async (listener) => this.store.onChange(listener),
      noteWatched: (channel, owner) => watched.noteWatched(channel, owner),
      noteWebhook: (channel, event, at) => watched.noteWebhook(channel, event, at),
    };
    const bus = new Bus(NO_BUS);
    this.bus = {
      isEncrypted: bus.isEncrypted,
      authorize: (socketId, channel) => bus.authorize(socketId, channel),
      authorizeUser: (socketId, userId) => bus.authorizeUser(socketId, userId),
      looksSigned: (headers) => bus.looksSigned(headers),
      readWebhook: (headers, body) => bus.readWebhook(headers, body),
      isOccupied: async () => false,
      endConnections: async () => undefined,
    };
    this.parents = new ParentUpdates({
      store: this.store,
      families: {
        children: async (id) => this.store.childrenOf(id),
        // Nothing is left half done here: a test is one process.
        release: async () => undefined,
        correct: async () => false,
        changed: async () => [],
      },
      changes: { apply: (task, event) => this.changes.apply(task, event) },
      clock: this.clock,
      // A parent is updated at once. With Redis, an update first waits for further changes; here a test would wait with it.
      time: { delay: async () => undefined },
    });
    this.changes = new TaskChanges(
      this.store,
      {
        publish: (owner: string, snapshot: Snapshot) => {
          this.pushed.push({ owner, name: eventName(snapshot), snapshot });
        },
        share: (_owner: string, _workers: number) => undefined,
        publishSeen: (_owner: string, _seen: SeenEvent) => undefined,
        publishDismissed: (_owner: string, _ids: readonly string[]) => undefined,
      },
      this.events,
      this.parents,
    );
  }

  channelOf(owner: string): string {
    return channelOf(owner);
  }

  handle<D extends AnyTaskDefinition>(definition: D, handler: Handler<D>): this {
    this.#handlers.set(definition.name, { definition, handler: handler as unknown as Handler<AnyTaskDefinition> });
    return this;
  }

  runAll(): Promise<void> {
    return runHandlers(this, [...this.#handlers.values()], {});
  }

  async flush(): Promise<void> {
    // What would be pushed is noted at once.
  }
}
