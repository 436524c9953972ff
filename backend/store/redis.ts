/**
 * The only file that knows Redis commands. It serves the task store: every method is one round trip, every
 * change one atomic step, and none takes longer than its deadline, whatever state Redis is in.
 */

import { type CommandParser, defineScript } from '@redis/client';
import { isUnavailable, TaskError } from '../../core/error.ts';
import { delay, withDeadline } from '../async.ts';
import type { Log } from '../log.ts';
import { QUEUE_SCRIPTS, queueKey } from '../queue/queue.ts';
import type { Isolation } from '../recovery/blame.ts';
import {
  parseRedisAddress,
  type RedisAddress,
  type RedisEndpoint,
  type RedisServer,
  toServer,
} from '../redis/address.ts';
import type { Client } from '../redis/client.ts';
import { Connection } from '../redis/connection.ts';
import { wasNotDone } from '../redis/fault.ts';
import { inspect } from '../redis/inspection.ts';
import { RedisTrouble } from '../redis/trouble.ts';
import { COMMIT, CREATE, DISCARD, LEASE, LIST, PAGE, PROBE, READ, SEE, UNPUBLISHED, WAIT, WEBHOOK } from './scripts.ts';

/** Under the 2 s within which an accepting server must have answered. */
const COMMAND_DEADLINE_MS = 1_500;
const IDEMPOTENCY_TTL_S = 24 * 3_600;
/** Authorizations and webhooks renew a mark; after this, nothing is known and we push. Longer than pages stay open. */
const PAGE_TTL_S = 7 * 24 * 3_600;
/** By how much the bus's clock may be ahead of Redis'. */
const MAX_WEBHOOK_AHEAD_MS = 5_000;
/** Hosted Pusher repeats a webhook for 5 min. */
const MAX_WEBHOOK_AGE_MS = 310_000;
/**
 * One new task in eight looks for ids whose records have expired, at 64 of them at most: where many have, they go eight
 * times faster than new ones come.
 */
const FORGET_EVERY = 8;
/** Whoever began to deal with a dead worker's tasks has done so long before. */
const VERDICT_TTL_S = 3_600;
const FORGET_AT_MOST = 64;
/** How many ids one call of LIST looks at: about 1 ms of Redis' time where all their records have expired. */
const LOOK_AT_MOST = 1_000;
/** How often a Redis that was unwell is looked at. */
const RECOVERY_CHECK_MS = 500;
/**
 * How many new tasks go to Redis in one turn of the event loop; more go in the next. The client writes once a turn, and
 * if all go together, Redis waits for this process and then this process for Redis: under load about 5 % fewer tasks
 * are accepted a second. Not so with a worker's commands: there, more writes cost more than waiting.
 */
const CREATED_A_TURN = 8;
/** Of a record: what is known of its runs (scripts.ts). */
const RUN_FIELDS = ['n', 'k', 'b', 'p', 'q'];

/** A record as Redis holds it, as far as it was asked for. */
export interface StoredTask extends StoredSnapshot {
  readonly owner: string;
  /** JSON; null unless asked for. */
  readonly input: string | null;
  /** What came, where its schema made something else of it; empty where it was no JSON; null unless asked for. */
  readonly raw: string | null;
  /** The result that the snapshot leaves out, as JSON; null unless there is one and it was asked for. */
  readonly result: string | null;
  /** Null unless asked for. */
  readonly run: StoredRun | null;
}

/** What is known of the runs of a task. Fields are null in records of version 0.1.0. */
export interface StoredRun {
  /** How often it was started. */
  readonly count: string | null;
  /** The worker that runs it; '' for none. */
  readonly worker: string | null;
  /** When that began, in ms by Redis' clock. */
  readonly begunAt: string | null;
  /** The progress of a run that was handed back, as JSON; '' for none. */
  readonly held: string | null;
  /** What is held against it, as JSON. */
  readonly suspicion: string | null;
}

/** A snapshot as Redis holds it: JSON, and when the owner saw the outcome (ms), which it does not say itself. */
export interface StoredSnapshot {
  readonly snapshot: string;
  readonly seenAt: number | null;
}

/** What of a record is read beside its snapshot, and for whom. */
export interface ReadOptions {
  /** For nobody else; unless given, whoever owns it. */
  readonly owner?: string;
  readonly input?: boolean;
  readonly result?: boolean;
  readonly run?: boolean;
}

/** What a commit does to the run of a task that it belongs to. */
export type RunChange =
  | { readonly type: 'start'; readonly worker: string; readonly isolation: Isolation }
  | { readonly type: 'end'; readonly held: string; readonly suspicion: string };

/** What kind of change a commit is; decides which indexes it touches. */
export type CommitKind = 'step' | 'outcome';

export interface Commit {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly expected: number;
  readonly revision: number;
  readonly snapshot: string;
  readonly kind: CommitKind;
  /** The run it belongs to: refused where another one has begun. Null where it belongs to none. */
  readonly run: number | null;
  readonly runChange: RunChange | null;
  /** The result that the snapshot leaves out, as JSON. */
  readonly result?: string;
  /** Of a successful attempt, in ms, to learn from. */
  readonly duration?: number;
  /** The job that the task waits for from now on, and when it is due (ms since the epoch; null for at once). */
  readonly job?: { readonly id: string; readonly at: number | null };
  /** Tells workers that this task is to be cancelled. */
  readonly announceCancel?: boolean;
}

export type CommitAnswer =
  | { readonly result: 'ok' /** Whether the owner has a page open, as far as is known. */; readonly watched: boolean }
  | { readonly result: 'missing' }
  /** Another run has begun. */
  | { readonly result: 'stale' }
  | ({ readonly result: 'conflict' } & StoredSnapshot);

export interface RedisOptions {
  /** Checked already, see `parseRedisAddress`. */
  readonly url: string | RedisEndpoint;
  /** Before every key and channel, for example `inloop:`. */
  readonly prefix: string;
  /** How long finished tasks are kept, in seconds. */
  readonly retention: number;
  /** The push channel of an owner: pages are known by it, since webhooks name it. */
  readonly channelOf: (owner: string) => string;
  readonly log: Log;
}

const SCRIPTS = {
  inloopCreate: script(CREATE),
  inloopDiscard: script(DISCARD),
  inloopCommit: script(COMMIT),
  inloopList: script(LIST),
  inloopSee: script(SEE),
  inloopRead: script(READ),
  inloopPage: script(PAGE),
  inloopUnpublished: script(UNPUBLISHED),
  inloopWebhook: script(WEBHOOK),
  inloopLease: script(LEASE),
  inloopWait: script(WAIT),
  inloopProbe: script(PROBE),
};

/** Every script that a user of Redis must be allowed to run. */
export const ALL_SCRIPTS: readonly string[] = [...Object.values(SCRIPTS).map(({ SCRIPT }) => SCRIPT), ...QUEUE_SCRIPTS];

export class Redis {
  readonly #prefix: string;
  readonly #address: RedisAddress;
  readonly #retention: string;
  readonly #channelOf: (owner: string) => string;
  readonly #log: Log;
  readonly #trouble: RedisTrouble;
  readonly #connection: Connection<typeof SCRIPTS>;
  readonly #subscriber: Connection<Record<never, never>>;
  readonly #subscriptions = new Map<string, Set<(message: string) => void>>();
  readonly #changeListeners = new Set<(id: string | null) => void>();
  readonly #serverListeners = new Set<(server: RedisServer) => void>();
  readonly #advised = new Set<string>();
  readonly #closing = new AbortController();
  #isRecovering = false;
  #createdThisTurn = 0;

  constructor(options: RedisOptions) {
    const address = parseRedisAddress(options.url);
    this.#address = address;
    this.#prefix = options.prefix;
    this.#retention = String(Math.ceil(options.retention));
    this.#channelOf = options.channelOf;
    this.#log = options.log;
    this.#trouble = new RedisTrouble(options.log, 'Redis');
    const onFault = (error: unknown) => this.#tell(error);
    this.#connection = new Connection({
      address,
      scripts: SCRIPTS,
      prepare: (client) => this.#inspect(client),
      onReady: () => {
        // It may be another server by now, which the subscriber would not notice by itself.
        this.#subscriber.renew(null);
        for (const listener of this.#serverListeners) listener(toServer(address, this.#connection.host));
      },
      onFault,
    });
    this.#subscriber = new Connection({
      address,
      scripts: {},
      permit: () => this.whenReady(),
      prepare: async (client) => {
        const all = [...this.#subscriptions].flatMap(([channel, listeners]) =>
          [...listeners].map((listener) => client.subscribe(channel, listener)),
        );
        await Promise.all(all);
      },
      // Subscribed again by now; what was published in between is lost.
      onReady: () => {
        for (const missed of this.#changeListeners) missed(null);
      },
      onFault,
    });
  }

  /**
   * Stores a new task with its job, unless its key was used before, or the task that it tries again was tried again
   * before; then says what that stands for.
   */
  async create(task: {
    readonly id: string;
    readonly owner: string;
    readonly name: string;
    readonly snapshot: string;
    readonly input: string;
    readonly raw: string | null;
    readonly jobId: string;
    readonly idempotency: { readonly key: string; readonly bodyHash: string } | null;
    readonly retryOf: string | null;
  }): Promise<{
    readonly known: { readonly bodyHash: string; readonly id: string } | null;
    readonly watched: boolean;
  }> {
    if (this.#createdThisTurn === 0) setImmediate(() => (this.#createdThisTurn = 0));
    this.#createdThisTurn += 1;
    if (this.#createdThisTurn > CREATED_A_TURN) await new Promise(setImmediate);
    const answer = await this.#run((client) =>
      client.inloopCreate(
        [
          this.#key('task', task.id),
          this.#key('all', task.owner),
          this.#key('active', task.owner),
          this.#key('unseen', task.owner),
          this.#key('idem', `${task.owner}:${task.idempotency?.key ?? ''}`),
          this.#key('page', this.#channelOf(task.owner)),
          ...(task.retryOf === null ? [] : [this.#key('task', task.retryOf)]),
        ],
        [
          task.id,
          task.snapshot,
          task.owner,
          task.input,
          task.idempotency?.bodyHash ?? '',
          String(IDEMPOTENCY_TTL_S),
          this.#key('task', ''),
          queueKey(this.#prefix, task.name),
          task.jobId,
          ...whereToForget(),
          ...(task.raw === null ? [] : [task.raw]),
        ],
      ),
    );
    const [known, watched] = answer as unknown as [string, number];
    const [bodyHash = '', id] = known.split(' ');
    return { known: id ? { bodyHash, id } : null, watched: watched === 1 };
  }

  /** Forgets a new task that nobody has touched. */
  async discard(id: string, owner: string): Promise<void> {
    await this.#run((client) =>
      client.inloopDiscard(
        [this.#key('task', id), this.#key('all', owner), this.#key('active', owner)],
        [id, this.#retention],
      ),
    );
  }

  /** Stores `snapshot` if the stored revision is still the expected one. */
  async commit(change: Commit): Promise<CommitAnswer> {
    const answer = (await this.#run((client) =>
      client.inloopCommit(
        [
          this.#key('task', change.id),
          this.#key('all', change.owner),
          this.#key('active', change.owner),
          this.#key('unseen', change.owner),
          this.#key('page', this.#channelOf(change.owner)),
          `${this.#prefix}unpublished`,
          this.#key('durations', change.name),
        ],
        [
          change.id,
          String(change.expected),
          String(change.revision),
          change.snapshot,
          change.kind,
          change.result ?? '',
          this.#retention,
          change.duration === undefined ? '' : String(Math.round(change.duration)),
          change.announceCancel ? `${this.#prefix}cancel` : '',
          `${this.#prefix}changed`,
          Math.random() < 1 / FORGET_EVERY ? String(FORGET_AT_MOST) : '0',
          this.#key('running', ''),
          change.run === null ? '' : String(change.run),
          ...toRunArguments(change.runChange),
          ...(change.job
            ? [queueKey(this.#prefix, change.name), change.job.id, change.job.at === null ? '' : String(change.job.at)]
            : []),
        ],
      ),
    )) as unknown as ['ok', number] | ['missing'] | ['stale'] | ['conflict', string, string];
    if (answer[0] === 'ok') return { result: 'ok', watched: answer[1] === 1 };
    if (answer[0] === 'missing' || answer[0] === 'stale') return { result: answer[0] };
    return { result: 'conflict', ...toStored(answer[1], answer[2]) };
  }

  /** A record, and of its big parts those that are asked for; null where there is none, or somebody else's. */
  async read(id: string, want: ReadOptions = {}): Promise<StoredTask | null> {
    const task = this.#key('task', id);
    const fields = [
      's',
      'v',
      'o',
      ...(want.input ? ['i', 'x'] : []),
      want.result ? 'R' : '',
      ...(want.run ? RUN_FIELDS : []),
    ].filter((field) => field !== '');
    const { owner } = want;
    const parts =
      owner === undefined
        ? await this.#run((client) => client.hmGet(task, fields))
        : ((await this.#run((client) => client.inloopRead([task], [owner, ...fields]))) as unknown as
            | (string | null)[]
            | null);
    const part = (field: string) => parts?.[fields.indexOf(field)] ?? null;
    const [snapshot, storedOwner] = [part('s'), part('o')];
    if (snapshot === null || storedOwner === null) return null;
    const [count = null, worker = null, begunAt = null, held = null, suspicion = null] = RUN_FIELDS.map(part);
    const run = want.run ? { count, worker, begunAt, held, suspicion } : null;
    const [input, raw, result] = [part('i'), part('x'), part('R')];
    return { ...toStored(snapshot, part('v')), owner: storedOwner, input, raw, result, run };
  }

  /**
   * Snapshots of an index, newest first, from the one after `cursor`: at most `limit`. `next` is where to go on, null at
   * the end of the index; since a call looks at 1,000 ids at most, it may be somewhere although there are fewer than `limit`.
   */
  async list(
    index: 'all' | 'active' | 'unseen',
    owner: string,
    limit: number,
    cursor: string | null,
  ): Promise<{ readonly found: readonly StoredSnapshot[]; readonly next: string | null }> {
    const indexes = ['all', 'active', 'unseen'] as const;
    const [next, ...answer] = (await this.#run((client) =>
      client.inloopList(
        indexes.map((name) => this.#key(name, owner)),
        [
          String(indexes.indexOf(index) + 1),
          cursor === null ? '+' : `(${cursor}`,
          String(limit),
          String(LOOK_AT_MOST),
          this.#key('task', ''),
        ],
      ),
    )) as unknown as string[];
    const found: StoredSnapshot[] = [];
    for (let n = 0; n < answer.length; n += 2) found.push(toStored(answer[n] as string, answer[n + 1] as string));
    return { found, next: next || null };
  }

  /**
   * Takes outcomes out of the owner's inbox, at most 1,000. Returns those that were in it, and when it was (ms); none of
   * them is read.
   */
  async see(owner: string, ids: readonly string[]): Promise<{ readonly ids: readonly string[]; readonly at: number }> {
    const [at, ...seen] = (await this.#run((client) =>
      client.inloopSee([this.#key('unseen', owner)], [this.#key('task', ''), ...ids]),
    )) as unknown as [number, ...string[]];
    return { ids: seen, at };
  }

  /** How long the last successful attempts of a definition took, in ms; at most 50. */
  async durations(name: string): Promise<number[]> {
    return (await this.#run((client) => client.lRange(this.#key('durations', name), 0, 49))).map(Number);
  }

  /** Ids of tasks whose outcomes have not been pushed for longer than `ms`, oldest first. */
  async unpublished(ms: number, limit: number): Promise<string[]> {
    return (await this.#run((client) =>
      client.inloopUnpublished([`${this.#prefix}unpublished`], [String(ms), String(limit)]),
    )) as unknown as string[];
  }

  /** The outcomes of these tasks were pushed, or need not be. */
  async settle(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#run((client) => client.zRem(`${this.#prefix}unpublished`, [...ids]));
  }

  /** Takes a lease unless somebody else holds it; who holds it has it for `ms` more. */
  async lease(name: string, holder: string, ms: number): Promise<boolean> {
    return (
      (await this.#run((client) => client.inloopLease([this.#key('lease', name)], [holder, String(Math.ceil(ms))]))) ===
      1
    );
  }

  /** Notes that a page is open on `channel`: `owner`'s, or null for one of whom that was noted before. */
  async notePage(channel: string, owner: string | null = null): Promise<void> {
    await this.#run((client) => client.inloopPage([this.#key('page', channel)], [String(PAGE_TTL_S), owner ?? '']));
  }

  /**
   * Notes what the bus says of a channel at `at` (ms, its clock), where we authorized a page on it.
   * @returns `unknown` where we did not; `unbelieved` for a time more than 5 s ahead of Redis' or over 5 min old;
   *   `vacated` where from now on an owner with active tasks counts as gone
   */
  async noteWebhook(
    channel: string,
    event: 'opened' | 'vacated',
    at: number,
  ): Promise<'noted' | 'vacated' | 'unknown' | 'unbelieved'> {
    const noted = await this.#run((client) =>
      client.inloopWebhook(
        [this.#key('page', channel)],
        [
          event === 'opened' ? 'o' : 'v',
          String(Math.floor(at)),
          String(PAGE_TTL_S),
          this.#key('active', ''),
          String(MAX_WEBHOOK_AHEAD_MS),
          String(MAX_WEBHOOK_AGE_MS),
        ],
      ),
    );
    return noted as unknown as 'noted' | 'vacated' | 'unknown' | 'unbelieved';
  }

  /** Calls `listener` with the id of each task that is to be cancelled, from now on and over reconnections. */
  async onCancel(listener: (id: string) => void): Promise<void> {
    await this.#subscribe('cancel', listener);
  }

  /**
   * Calls `listener` with the id of each task that changes while it is marked as waited for, and with null after a
   * reconnection, when changes and marks may have been lost. The same function is never added twice.
   */
  async onChange(listener: (id: string | null) => void): Promise<void> {
    if (!this.#changeListeners.has(listener)) await this.#subscribe('changed', listener);
    this.#changeListeners.add(listener);
  }

  /** Marks a task as waited for during the next `ms`, and reads it as it is then; null where there is none. */
  async markWaited(id: string, ms: number): Promise<StoredSnapshot | null> {
    const answer = (await this.#run((client) =>
      client.inloopWait([this.#key('task', id)], [String(Math.ceil(ms))]),
    )) as unknown as [string, string] | null;
    return answer && toStored(...answer);
  }

  /** What Redis' clock says, in ms since the epoch: the one clock that all processes share. */
  async time(): Promise<number> {
    const [seconds, microseconds] = await this.#run((client) => client.time());
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  }

  /** Says that a worker is alive for `ms` more. @param info what `workers` gives back */
  async renewWorker(id: string, info: string, ms: number): Promise<void> {
    await this.#run((client) =>
      Promise.all([
        client.hSet(`${this.#prefix}workers`, id, info),
        client.set(this.#key('worker', id), '', { PX: Math.ceil(ms) }),
      ]),
    );
  }

  /** What a thread needs that gives a worker's sign of life by itself: where Redis is, and which keys are meant. */
  signOfLifeOf(worker: string): { readonly redis: RedisServer; readonly keys: { sign: string; ended: string } } {
    return {
      redis: toServer(this.#address, this.#connection.host),
      keys: { sign: this.#key('worker', worker), ended: this.#key('ended', worker) },
    };
  }

  /** Calls `listener` with where Redis is after each reconnection: sentinels may have led elsewhere. */
  onServer(listener: (server: RedisServer) => void): void {
    this.#serverListeners.add(listener);
  }

  /** Every worker that was not forgotten, and its sign of life: null where that has expired. */
  async workers(): Promise<{ readonly id: string; readonly info: string; readonly sign: string | null }[]> {
    return this.#run(async (client) => {
      const known = Object.entries(await client.hGetAll(`${this.#prefix}workers`));
      if (known.length === 0) return [];
      const signs = await client.mGet(known.map(([id]) => this.#key('worker', id)));
      return known.map(([id, info], n) => ({ id, info, sign: signs[n] ?? null }));
    });
  }

  /** What a worker runs: ids of tasks, and how they were started. */
  async runningOn(worker: string): Promise<Readonly<Record<string, string>>> {
    return this.#run((client) => client.hGetAll(this.#key('running', worker)));
  }

  /** Says which definitions there are, beside those that others said. */
  async addDefinitions(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#run((client) => client.sAdd(`${this.#prefix}definitions`, [...names]));
  }

  /** The names of all definitions that a server has said. */
  async definitions(): Promise<string[]> {
    return this.#run((client) => client.sMembers(`${this.#prefix}definitions`));
  }

  /**
   * Some of the jobs of a definition that nobody works on, from the one at `offset` on: those that wait for a worker, and
   * those whose delay is over. Also those that a worker has taken and, perhaps, died with.
   */
  async waitingJobs(
    name: string,
    offset: number,
    count: number,
  ): Promise<{ readonly jobs: readonly string[]; readonly isLast: boolean }> {
    const queue = queueKey(this.#prefix, name);
    const end = offset + count - 1;
    const lists = await this.#run((client) =>
      Promise.all([
        client.lRange(`${queue}waiting`, offset, end),
        client.zRange(`${queue}delayed`, offset, end),
        client.lRange(`${queue}active`, offset, end),
      ]),
    );
    return { jobs: lists.flat(), isLast: lists.every((list) => list.length < count) };
  }

  /** A task that was started carefully is trusted from now on. */
  async passProbation(worker: string, task: string): Promise<void> {
    await this.#run((client) => client.hSet(this.#key('running', worker), task, 'free'));
  }

  /** Keeps `text` for what becomes of a dead worker's tasks, unless there is one; returns what is kept. */
  async keepVerdict(worker: string, text: string): Promise<string> {
    const known = await this.#run((client) =>
      client.set(this.#key('verdict', worker), text, { NX: true, GET: true, EX: VERDICT_TTL_S }),
    );
    return known ?? text;
  }

  /** Ids of tasks beyond their deadlines with which a worker's process was ended. */
  async endedWith(worker: string): Promise<string[]> {
    const text = await this.#run((client) => client.get(this.#key('ended', worker)));
    return text ? text.split(' ') : [];
  }

  /** Nothing is kept of a worker any more. */
  async forgetWorker(id: string): Promise<void> {
    await this.#run((client) =>
      Promise.all([
        client.hDel(`${this.#prefix}workers`, id),
        client.del(['worker', 'running', 'verdict', 'ended'].map((kind) => this.#key(kind, id))),
      ]),
    );
  }

  /**
   * Resolves when Redis took a write within the deadline, which is what a task would ask of it: a replica, a full memory
   * and a lack of rights all answer PING.
   */
  async ping(): Promise<void> {
    await this.#run((client) => client.inloopProbe([`${this.#prefix}probe`], []));
  }

  /** Resolves when there is a Redis that can be used, however long it takes; never after `close`. */
  whenReady(): Promise<void> {
    return this.#connection.whenUsable();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#connection.close();
    this.#subscriber.close();
  }

  async #subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    const name = `${this.#prefix}${channel}`;
    const listeners = this.#subscriptions.get(name) ?? new Set();
    // Known before it is connected, so that whichever comes first, the connection or this call, subscribes.
    this.#subscriptions.set(name, listeners.add(listener));
    try {
      const subscribing = this.#subscriber.run((client) => client.subscribe(name, listener), COMMAND_DEADLINE_MS);
      await withDeadline(subscribing, COMMAND_DEADLINE_MS);
    } catch (error) {
      listeners.delete(listener);
      throw this.#tell(error);
    }
  }

  #key(kind: string, of: string): string {
    return `${this.#prefix}${kind}:${of}`;
  }

  async #run<T>(command: (client: Client<typeof SCRIPTS>) => Promise<T>): Promise<T> {
    try {
      return await withDeadline(this.#connection.run(command, COMMAND_DEADLINE_MS), COMMAND_DEADLINE_MS);
    } catch (error) {
      throw this.#tell(error);
    }
  }

  async #inspect(client: Client<typeof SCRIPTS>): Promise<void> {
    const advice = await inspect({
      say: (command) => client.sendCommand([...command]),
      prefix: this.#prefix,
      scripts: ALL_SCRIPTS,
    });
    for (const line of advice) {
      if (!this.#advised.has(line)) this.#log.warn(line);
      this.#advised.add(line);
    }
  }

  /** Tells the operator what went wrong; returns what the caller is to be told. */
  #tell(error: unknown): unknown {
    if (this.#closing.signal.aborted) return unavailable(new Error('the backend was closed'));
    const { kind } = this.#trouble.tell(error);
    if (kind === 'bug') return error;
    void this.#recover();
    return unavailable(error);
  }

  /** Looks whether writes work again, until they have for a while: other answers prove nothing. */
  async #recover(): Promise<void> {
    if (this.#isRecovering) return;
    this.#isRecovering = true;
    while (this.#trouble.isOn && !this.#closing.signal.aborted) {
      await delay(RECOVERY_CHECK_MS, this.#closing.signal);
      await this.ping().then(
        () => this.#trouble.isWell(),
        () => undefined,
      );
    }
    this.#isRecovering = false;
  }
}

function toRunArguments(change: RunChange | null): [type: string, first: string, second: string] {
  switch (change?.type) {
    case 'start':
      return ['start', change.worker, change.isolation];
    case 'end':
      return ['end', change.held, change.suspicion];
    default:
      return ['', '', ''];
  }
}

/** Where a new task looks for ids without a record, as CREATE takes it. */
function whereToForget(): [most: string, index: string, from: string] {
  if (Math.random() >= 1 / FORGET_EVERY) return ['0', '2', '0'];
  // The oldest go first. But some tasks are kept for ever, and what has expired behind them must go as well.
  const from = Math.random() < 0.5 ? 0 : Math.random();
  // `all` holds what the others hold, except for what 0.1.0 has left in the inbox.
  const index = Math.random() < 0.25 ? '4' : '2';
  return [String(FORGET_AT_MOST), index, String(from)];
}

/** @param seenAt null and '' stand for never */
function toStored(snapshot: string, seenAt: string | null): StoredSnapshot {
  return { snapshot, seenAt: seenAt ? Number(seenAt) : null };
}

function script(text: string) {
  return defineScript({
    SCRIPT: text,
    parseCommand(parser: CommandParser, keys: string[], args: string[]) {
      parser.pushKeysLength(keys);
      parser.push(...args);
    },
    transformReply: (reply: unknown) => reply,
  });
}

function unavailable(cause: unknown): TaskError {
  return new TaskError('store_unavailable', 'The task store does not answer just now. Try again in a moment.', {
    status: 503,
    retryAfter: 1,
    cause,
  });
}

/** Whether nothing of what failed with `error` has been or will be done: Redis said no, or was never asked. */
export function wasNotDoneInRedis(error: unknown): boolean {
  return isUnavailable(error) && wasNotDone(error.cause);
}
