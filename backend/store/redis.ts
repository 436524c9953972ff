/**
 * Everything that the backend asks of Redis, except for jobs. It runs the store's commands, and has one method for each other
 * question. It serves the store, the recovery of tasks, the worker and the server. Each method takes one round trip, or two if it
 * says so. If Redis does not answer a round trip within 1.5 s, the method rejects with a TaskError `store_unavailable`.
 */

import { isUnavailable } from '../../core/error.ts';
import type { Emitter } from '../events/events.ts';
import { FILL_LIST } from '../queue/line-scripts.ts';
import { parseRedisAddress, type RedisEndpoint, type RedisServer } from '../redis/address.ts';
import { wasNotDone } from '../redis/fault.ts';
import { Announcements } from './announcements.ts';
import { CommandSender } from './command-sender.ts';
import type { Command, CommandRunner, PlainClient, Values } from './commands/define-command.ts';
import { ALL_SCRIPTS } from './commands/index.ts';
import { settlePushes } from './commands/operator/settle-pushes.ts';
import { noteWatched } from './commands/owner/note-watched.ts';
import { noteWebhook, type WebhookAnswer } from './commands/owner/note-webhook.ts';
import { countWaiting } from './commands/process/count-waiting.ts';
import { findOverdue } from './commands/process/find-overdue.ts';
import { findWaiting, type WaitingCursor, type WaitingJobs } from './commands/process/find-waiting.ts';
import { probeWrite } from './commands/process/probe-write.ts';
import { takeLease } from './commands/process/take-lease.ts';
import { Keys } from './keys.ts';

/** How long a verdict is kept: 1 h. Recovering the tasks of a dead worker takes seconds. */
const VERDICT_TTL_S = 3_600;
/** A process tells of at most this many damaged records. */
const MAX_DAMAGED_TOLD = 100;

export interface RedisOptions {
  /** Checked already, see `parseRedisAddress`. */
  readonly url: string | RedisEndpoint;
  /** Before every key and channel, for example `inloop:`. */
  readonly prefix: string;
  /** How long finished tasks are kept, in seconds. */
  readonly retention: number;
  /** The push channel of an owner. */
  readonly channelOf: (owner: string) => string;
  readonly events: Emitter;
}

/** The Redis of one backend. It connects when it is first asked for something. */
export class Redis implements CommandRunner {
  readonly keys: Keys;
  /** How long finished tasks are kept, in whole seconds. */
  readonly retention: number;
  readonly #sender: CommandSender;
  readonly #announcements: Announcements;
  readonly #serverListeners = new Set<(server: RedisServer) => void>();
  readonly #events: Emitter;
  /** Ids of tasks whose damaged record was told; null if a list found one. */
  readonly #damaged = new Set<string | null>();

  constructor({ url, prefix, retention, channelOf, events }: RedisOptions) {
    const address = parseRedisAddress(url);
    this.keys = new Keys(prefix, channelOf);
    this.retention = Math.ceil(retention);
    this.#events = events;
    this.#sender = new CommandSender({
      address,
      prefix,
      scripts: ALL_SCRIPTS,
      probe: () => this.probeWrite(),
      onReady: () => {
        this.#announcements.reconnect();
        for (const listener of this.#serverListeners) listener(this.#sender.server);
      },
      events,
    });
    this.#announcements = new Announcements({
      address,
      keys: this.keys,
      permit: () => this.whenReady(),
      report: (error) => this.#sender.report(error),
    });
  }

  run<K extends string, A extends string, Answer>(
    command: Command<K, A, Answer>,
    keys: Values<K, string>,
    args: Values<A, string | number>,
  ): Promise<Answer> {
    return this.#sender.run(command, keys, args);
  }

  send<T>(command: (client: PlainClient) => Promise<T>): Promise<T> {
    return this.#sender.send(command);
  }

  tellDamaged(task: string | null): void {
    if (this.#damaged.has(task) || this.#damaged.size >= MAX_DAMAGED_TOLD) return;
    this.#damaged.add(task);
    this.#events.emit('record.damaged', () => ({ task }));
  }

  /** Resolves when there is a Redis that can be used, however long it takes; never after `close`. */
  whenReady(): Promise<void> {
    return this.#sender.whenReady();
  }

  /** Writes something. Resolves when Redis took the write. A read would not show that tasks can be stored. */
  probeWrite(): Promise<void> {
    return probeWrite(this);
  }

  /** The time by Redis' clock, in ms since 1970. All processes share this clock. */
  async time(): Promise<number> {
    const [seconds, microseconds] = await this.send((client) => client.time());
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  }

  /** Calls `listener` with the id of each task that is to be cancelled, from now on and over reconnections. */
  onCancel(listener: (id: string) => void): Promise<void> {
    return this.#announcements.onCancel(listener);
  }

  /** Calls `listener` with the id of each waited-for task that changes, and with null when some may have been missed. */
  onChange(listener: (id: string | null) => void): Promise<void> {
    return this.#announcements.onChange(listener);
  }

  /** Takes or renews a lease for `ms`. @returns false while somebody else holds it */
  lease(name: string, holder: string, ms: number): Promise<boolean> {
    return takeLease(this, name, holder, ms);
  }

  /** The proof that the bus took an event lately, which the processes share. `BusHealthPorts` says what each function does. */
  readonly pushProof = {
    claim: async (ms: number): Promise<boolean> =>
      (await this.send((client) => client.set(this.keys.pushed, '', { NX: true, PX: ms }))) !== null,
    give: async (ms: number): Promise<void> => {
      await this.send((client) => client.set(this.keys.pushed, '', { PX: ms }));
    },
    takeAway: async (): Promise<void> => {
      await this.send((client) => client.del(this.keys.pushed));
    },
  };

  /** Notes that a page is open on `channel`. @param owner whose channel it is; null if the caller does not know */
  async noteWatched(channel: string, owner: string | null = null): Promise<void> {
    await noteWatched(this, channel, owner);
  }

  /** Notes what a webhook says about a channel. @param at when it happened, in ms by the bus's clock */
  noteWebhook(channel: string, event: 'opened' | 'vacated', at: number): Promise<WebhookAnswer> {
    return noteWebhook(this, channel, event, at);
  }

  /** Ids of new tasks and outcomes that were stored more than `ms` ago and may not have been pushed, oldest first. */
  unpublished(ms: number, limit: number): Promise<readonly string[]> {
    return findOverdue(this, this.keys.unpublished, ms, limit);
  }

  /**
   * Takes ids off the list of `unpublished`: the tasks were pushed, or need not be.
   * @param sent how many events this process has sent since the last call, for the operator's page
   */
  async settle(ids: readonly string[], sent = 0): Promise<void> {
    if (ids.length > 0) await settlePushes(this, ids, sent);
  }

  /** Adds to the names of the definitions that servers and workers start. */
  async addDefinitions(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.send((client) => client.sAdd(this.keys.definitions, [...names]));
  }

  /** The names of all definitions that servers and workers start. */
  definitions(): Promise<string[]> {
    return this.send((client) => client.sMembers(this.keys.definitions));
  }

  /**
   * A page of the jobs of a definition that wait for a worker or that a worker has taken: at most `count` of each list of
   * bee-queue, or at most `count` of the line.
   * @param cursor the `next` of the page before; null for the first page
   */
  waitingJobs(name: string, cursor: WaitingCursor | null, count: number): Promise<WaitingJobs> {
    return findWaiting(this, name, cursor ?? { owner: null, at: 0 }, count);
  }

  /** How many tasks of a definition wait for a worker. Estimated where more than 1,000 owners wait. */
  countWaiting(name: string): Promise<number> {
    return countWaiting(this, name);
  }

  /** Moves jobs from the line of a definition to bee-queue's list, until the list has `wanted` of them. */
  async fillList(name: string, wanted: number): Promise<void> {
    const { line, turns, paused } = this.keys.line(name);
    await this.send((client) =>
      client.eval(FILL_LIST, { keys: [line, turns, paused], arguments: [this.keys.queue(name), String(wanted)] }),
    );
  }

  /** Writes a worker's heartbeat, which lasts `ms`, and stores `info`, which `workers` returns. */
  async renewWorker(id: string, info: string, ms: number): Promise<void> {
    await this.send((client) =>
      Promise.all([
        client.hSet(this.keys.workers, id, info),
        client.set(this.keys.heartbeat(id), '', { PX: Math.ceil(ms) }),
      ]),
    );
  }

  /** What a worker's watchdog thread needs: where Redis is, and the names of two keys. */
  watchdogTarget(worker: string): {
    readonly redis: RedisServer;
    readonly keys: { heartbeat: string; overDeadline: string };
  } {
    return {
      redis: this.#sender.server,
      keys: { heartbeat: this.keys.heartbeat(worker), overDeadline: this.keys.overDeadline(worker) },
    };
  }

  /** Calls `listener` with the server after each connection, the first one too: sentinels may have led to another server. */
  onServer(listener: (server: RedisServer) => void): void {
    this.#serverListeners.add(listener);
  }

  /** Every registered worker, and its heartbeat: null if that has expired. Two round trips. */
  workers(): Promise<{ readonly id: string; readonly info: string; readonly heartbeat: string | null }[]> {
    return this.send(async (client) => {
      const registered = Object.entries(await client.hGetAll(this.keys.workers));
      if (registered.length === 0) return [];
      const heartbeats = await client.mGet(registered.map(([id]) => this.keys.heartbeat(id)));
      return registered.map(([id, info], n) => ({ id, info, heartbeat: heartbeats[n] ?? null }));
    });
  }

  /** Removes everything that is stored about a worker. */
  async forgetWorker(id: string): Promise<void> {
    const { keys } = this;
    await this.send((client) =>
      Promise.all([
        client.hDel(keys.workers, id),
        client.del([keys.heartbeat(id), keys.running(id), keys.verdict(id), keys.overDeadline(id)]),
      ]),
    );
  }

  /** The `Isolation` of each task that a worker runs, by the task's id. */
  runningOn(worker: string): Promise<Readonly<Record<string, string>>> {
    return this.send((client) => client.hGetAll(this.keys.running(worker)));
  }

  /** Stores that the probation of a task is over. */
  async passProbation(worker: string, task: string): Promise<void> {
    await this.send((client) => client.hSet(this.keys.running(worker), task, 'free'));
  }

  /**
   * Stores what was decided about a dead worker's tasks, unless something is stored already. Two round trips if it is.
   * @returns what is stored now
   */
  async keepVerdict(worker: string, text: string): Promise<string> {
    const key = this.keys.verdict(worker);
    // Two commands, since Redis before 7.0 does not take NX together with GET.
    const kept = await this.send((client) => client.set(key, text, { NX: true, EX: VERDICT_TTL_S }));
    if (kept !== null) return text;
    return (await this.send((client) => client.get(key))) ?? text;
  }

  /** Ids of the tasks because of which the watchdog ended a worker: the event loop was blocked beyond their deadlines. */
  async overDeadlineOn(worker: string): Promise<string[]> {
    const text = await this.send((client) => client.get(this.keys.overDeadline(worker)));
    return text ? text.split(' ') : [];
  }

  async close(): Promise<void> {
    this.#sender.close();
    this.#announcements.close();
  }
}

/** Whether Redis may have done, or may still do, what failed with `error`. False if Redis refused it or was never asked. */
export function mayBeDoneInRedis(error: unknown): boolean {
  return !(isUnavailable(error) && wasNotDone(error.cause));
}
