/**
 * What the backend asks of Redis: the store's commands, and one method for each question of the others. It serves the
 * store, the recovery of tasks, the worker and the server. Each method is one round trip, or two where it says so. It
 * throws TaskError `store_unavailable` within 1.5 s if Redis does not do it.
 */

import { isUnavailable } from '../../core/error.ts';
import type { Emitter } from '../events/events.ts';
import { parseRedisAddress, type RedisEndpoint, type RedisServer } from '../redis/address.ts';
import { wasNotDone } from '../redis/fault.ts';
import { Announcements } from './announcements.ts';
import { CommandSender } from './command-sender.ts';
import type { Command, CommandRunner, PlainClient, Values } from './commands/define-command.ts';
import { ALL_SCRIPTS } from './commands/index.ts';
import { noteWatched } from './commands/owner/note-watched.ts';
import { noteWebhook, type WebhookAnswer } from './commands/owner/note-webhook.ts';
import { findUnpublished } from './commands/process/find-unpublished.ts';
import { probeWrite } from './commands/process/probe-write.ts';
import { takeLease } from './commands/process/take-lease.ts';
import { Keys } from './keys.ts';

/** 1 h. Dealing with the tasks of a dead worker takes seconds. */
const VERDICT_TTL_S = 3_600;

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

/** Some of the jobs of a definition. */
export interface WaitingJobs {
  readonly jobs: readonly string[];
  /** Whether there are none behind them. */
  readonly isLast: boolean;
}

export class Redis implements CommandRunner {
  readonly keys: Keys;
  readonly retention: number;
  readonly #sender: CommandSender;
  readonly #announcements: Announcements;
  readonly #serverListeners = new Set<(server: RedisServer) => void>();

  constructor({ url, prefix, retention, channelOf, events }: RedisOptions) {
    const address = parseRedisAddress(url);
    this.keys = new Keys(prefix, channelOf);
    this.retention = Math.ceil(retention);
    this.#sender = new CommandSender({
      address,
      prefix,
      scripts: ALL_SCRIPTS,
      probe: () => this.ping(),
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

  /** Resolves when there is a Redis that can be used, however long it takes; never after `close`. */
  whenReady(): Promise<void> {
    return this.#sender.whenReady();
  }

  /** Resolves when Redis took a write, which is what a task would ask of it. */
  ping(): Promise<void> {
    return probeWrite(this);
  }

  /** What Redis' clock says, in ms since 1970: the one clock that all processes share. */
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

  /** Notes that a page is open on `channel`: `owner`'s, or null where its owner was noted before. */
  async noteWatched(channel: string, owner: string | null = null): Promise<void> {
    await noteWatched(this, channel, owner);
  }

  /** Notes what the bus says of a channel. @param at when, in ms by the bus's clock */
  noteWebhook(channel: string, event: 'opened' | 'vacated', at: number): Promise<WebhookAnswer> {
    return noteWebhook(this, channel, event, at);
  }

  /** Ids of tasks whose outcomes are older than `ms` and may not have been pushed, oldest first. */
  unpublished(ms: number, limit: number): Promise<readonly string[]> {
    return findUnpublished(this, ms, limit);
  }

  /** The outcomes of these tasks were pushed, or need not be. */
  async settle(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.send((client) => client.zRem(this.keys.unpublished, [...ids]));
  }

  /** Adds to the names of the definitions that servers start. */
  async addDefinitions(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.send((client) => client.sAdd(this.keys.definitions, [...names]));
  }

  /** The names of all definitions that servers start. */
  definitions(): Promise<string[]> {
    return this.send((client) => client.sMembers(this.keys.definitions));
  }

  /**
   * Jobs of a definition, from position `offset` of each of bee-queue's lists: waiting, delayed, and taken by a worker
   * (which may have died since). At most `count` of each list.
   */
  async waitingJobs(name: string, offset: number, count: number): Promise<WaitingJobs> {
    const queue = this.keys.queue(name);
    const end = offset + count - 1;
    const lists = await this.send((client) =>
      Promise.all([
        client.lRange(`${queue}waiting`, offset, end),
        client.zRange(`${queue}delayed`, offset, end),
        client.lRange(`${queue}active`, offset, end),
      ]),
    );
    return { jobs: lists.flat(), isLast: lists.every((list) => list.length < count) };
  }

  /** Says that a worker is alive for `ms` more. @param info what `workers` gives back */
  async renewWorker(id: string, info: string, ms: number): Promise<void> {
    await this.send((client) =>
      Promise.all([
        client.hSet(this.keys.workers, id, info),
        client.set(this.keys.worker(id), '', { PX: Math.ceil(ms) }),
      ]),
    );
  }

  /** What the thread that gives a worker's sign of life has to know: where Redis is, and the names of two keys. */
  signOfLifeOf(worker: string): { readonly redis: RedisServer; readonly keys: { sign: string; ended: string } } {
    return {
      redis: this.#sender.server,
      keys: { sign: this.keys.worker(worker), ended: this.keys.ended(worker) },
    };
  }

  /** Calls `listener` with where Redis is after each reconnection: sentinels may have led elsewhere. */
  onServer(listener: (server: RedisServer) => void): void {
    this.#serverListeners.add(listener);
  }

  /** Every worker that was not forgotten, and its sign of life: null where that has expired. Two round trips. */
  workers(): Promise<{ readonly id: string; readonly info: string; readonly sign: string | null }[]> {
    return this.send(async (client) => {
      const known = Object.entries(await client.hGetAll(this.keys.workers));
      if (known.length === 0) return [];
      const signs = await client.mGet(known.map(([id]) => this.keys.worker(id)));
      return known.map(([id, info], n) => ({ id, info, sign: signs[n] ?? null }));
    });
  }

  /** Removes all that is kept of a worker. */
  async forgetWorker(id: string): Promise<void> {
    const { keys } = this;
    await this.send((client) =>
      Promise.all([
        client.hDel(keys.workers, id),
        client.del([keys.worker(id), keys.running(id), keys.verdict(id), keys.ended(id)]),
      ]),
    );
  }

  /** Ids of the tasks that a worker runs, and how they were started (`Isolation`). */
  runningOn(worker: string): Promise<Readonly<Record<string, string>>> {
    return this.send((client) => client.hGetAll(this.keys.running(worker)));
  }

  /** A task that was started carefully is trusted from now on. */
  async passProbation(worker: string, task: string): Promise<void> {
    await this.send((client) => client.hSet(this.keys.running(worker), task, 'free'));
  }

  /** Keeps `text` for what becomes of a dead worker's tasks, unless there is one. @returns what is kept */
  async keepVerdict(worker: string, text: string): Promise<string> {
    const known = await this.send((client) =>
      client.set(this.keys.verdict(worker), text, { NX: true, GET: true, EX: VERDICT_TTL_S }),
    );
    return known ?? text;
  }

  /** Ids of tasks beyond their deadlines with which a worker's process was ended. */
  async endedWith(worker: string): Promise<string[]> {
    const text = await this.send((client) => client.get(this.keys.ended(worker)));
    return text ? text.split(' ') : [];
  }

  async close(): Promise<void> {
    this.#sender.close();
    this.#announcements.close();
  }
}

/** Whether nothing of what failed with `error` has been or will be done: Redis said no, or was never asked. */
export function wasNotDoneInRedis(error: unknown): boolean {
  return isUnavailable(error) && wasNotDone(error.cause);
}
