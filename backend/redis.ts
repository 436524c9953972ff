/**
 * The only file that knows Redis commands. It serves the task store: every method is one round trip, every
 * change one atomic step, and none takes longer than its deadline, whatever state Redis is in.
 */

import { type CommandParser, defineScript } from '@redis/client';
import { TaskError } from '../core/error.ts';
import { delay, withDeadline } from './async.ts';
import type { Log } from './log.ts';
import { QUEUE_SCRIPTS, queueKey } from './queue.ts';
import { parseRedisAddress, type RedisEndpoint } from './redis-address.ts';
import type { Client } from './redis-client.ts';
import { Connection } from './redis-connection.ts';
import { wasNotDone } from './redis-fault.ts';
import { inspect } from './redis-inspection.ts';
import { RedisTrouble } from './redis-trouble.ts';
import { COMMIT, CREATE, DISCARD, LEASE, LIST, PAGE, PROBE, WAIT } from './scripts.ts';

/** Under the 2 s within which an accepting server must have answered. */
const COMMAND_DEADLINE_MS = 1_500;
const IDEMPOTENCY_TTL_S = 24 * 3_600;
/** A page that stays open renews its mark with every authorization; after this, nothing is known and we push. */
const PAGE_TTL_S = 24 * 3_600;
/** How rarely creating a task looks for ids in the owner's index whose records have expired. */
const FORGET_EVERY = 8;
/** How often a Redis that was unwell is looked at. */
const RECOVERY_CHECK_MS = 500;
/**
 * How many new tasks go to Redis in one turn of the event loop; more go in the next. The client writes once a turn, and
 * if all go together, Redis waits for this process and then this process for Redis: under load about 5 % fewer tasks
 * are accepted a second. Not so with a worker's commands: there, more writes cost more than waiting.
 */
const CREATED_A_TURN = 8;

/** A record as Redis holds it. */
export interface StoredTask {
  readonly snapshot: string;
  readonly owner: string;
  readonly input: string;
}

/** What kind of change a commit is; decides which indexes it touches. */
export type CommitKind = 'step' | 'outcome' | 'seen';

export interface Commit {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly expected: number;
  readonly revision: number;
  readonly snapshot: string;
  readonly kind: CommitKind;
  /** Of a successful attempt, in ms, to learn from. */
  readonly duration?: number;
  /** The job that the task waits for from now on, and when it is due (ms since the epoch; null for at once). */
  readonly job?: { readonly id: string; readonly at: number | null };
  /** Tells workers that this task is to be cancelled. */
  readonly announceCancel?: boolean;
}

export type CommitAnswer =
  | { readonly result: 'ok' /** False when nobody has a page open. */; readonly hasPage: boolean }
  | { readonly result: 'missing' }
  | { readonly result: 'conflict'; readonly snapshot: string };

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
  inloopPage: script(PAGE),
  inloopLease: script(LEASE),
  inloopWait: script(WAIT),
  inloopProbe: script(PROBE),
};

/** Every script that a user of Redis must be allowed to run. */
export const ALL_SCRIPTS: readonly string[] = [...Object.values(SCRIPTS).map(({ SCRIPT }) => SCRIPT), ...QUEUE_SCRIPTS];

export class Redis {
  readonly #prefix: string;
  readonly #retention: string;
  readonly #channelOf: (owner: string) => string;
  readonly #log: Log;
  readonly #trouble: RedisTrouble;
  readonly #connection: Connection<typeof SCRIPTS>;
  readonly #subscriber: Connection<Record<never, never>>;
  readonly #subscriptions = new Map<string, Set<(message: string) => void>>();
  readonly #changeListeners = new Set<(id: string | null) => void>();
  readonly #advised = new Set<string>();
  readonly #closing = new AbortController();
  #isRecovering = false;
  #createdThisTurn = 0;

  constructor(options: RedisOptions) {
    const address = parseRedisAddress(options.url);
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
      // It may be another server by now, which the subscriber would not notice by itself.
      onReady: () => this.#subscriber.renew(null),
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

  /** Stores a new task with its job, unless its key was used before; then says what that key stands for. */
  async create(task: {
    readonly id: string;
    readonly owner: string;
    readonly name: string;
    readonly snapshot: string;
    readonly input: string;
    readonly jobId: string;
    readonly idempotency: { readonly key: string; readonly bodyHash: string } | null;
  }): Promise<{
    readonly known: { readonly bodyHash: string; readonly id: string } | null;
    readonly hasPage: boolean;
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
          this.#key('idem', `${task.owner}:${task.idempotency?.key ?? ''}`),
          this.#key('page', this.#channelOf(task.owner)),
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
          // Every eighth looks at more than eight, so the index of an owner who goes on does not grow for ever.
          Math.random() < 1 / FORGET_EVERY ? String(2 * FORGET_EVERY) : '0',
        ],
      ),
    );
    const [known, hasPage] = answer as unknown as [string, number];
    const [bodyHash, id] = known.split(' ');
    return { known: bodyHash && id ? { bodyHash, id } : null, hasPage: hasPage === 1 };
  }

  /** Forgets a new task that nobody has touched. */
  async discard(id: string, owner: string): Promise<void> {
    await this.#run((client) =>
      client.inloopDiscard([this.#key('task', id), this.#key('all', owner), this.#key('active', owner)], [id]),
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
          String(Date.now()),
          this.#retention,
          change.duration === undefined ? '' : String(Math.round(change.duration)),
          change.announceCancel ? `${this.#prefix}cancel` : '',
          `${this.#prefix}changed`,
          ...(change.job
            ? [queueKey(this.#prefix, change.name), change.job.id, change.job.at === null ? '' : String(change.job.at)]
            : []),
        ],
      ),
    )) as unknown as [string, unknown];
    if (answer[0] === 'ok') return { result: 'ok', hasPage: answer[1] === 1 };
    if (answer[0] === 'missing') return { result: 'missing' };
    return { result: 'conflict', snapshot: String(answer[1]) };
  }

  async read(id: string): Promise<StoredTask | null> {
    const [snapshot, owner, input] = await this.#run((client) => client.hmGet(this.#key('task', id), ['s', 'o', 'i']));
    return snapshot && owner && input ? { snapshot, owner, input } : null;
  }

  /** Snapshots of an index, newest first, from the one after `cursor`. */
  async list(
    index: 'all' | 'active' | 'unseen',
    owner: string,
    limit: number,
    cursor: string | null,
  ): Promise<{ readonly snapshots: readonly string[]; readonly last: string }> {
    const [last = '', ...snapshots] = (await this.#run((client) =>
      client.inloopList(
        [this.#key(index, owner)],
        [cursor === null ? '+' : `(${cursor}`, String(limit), this.#key('task', '')],
      ),
    )) as unknown as string[];
    return { snapshots, last };
  }

  /** How long the last successful attempts of a definition took, in ms; at most 50. */
  async durations(name: string): Promise<number[]> {
    return (await this.#run((client) => client.lRange(this.#key('durations', name), 0, 49))).map(Number);
  }

  /** Ids of tasks whose outcomes have not been pushed since before `before` (ms), oldest first. */
  async unpublished(before: number, limit: number): Promise<string[]> {
    return this.#run((client) =>
      client.zRange(`${this.#prefix}unpublished`, '-inf', before, { BY: 'SCORE', LIMIT: { offset: 0, count: limit } }),
    );
  }

  /** The outcomes of these tasks were pushed, or need not be. */
  async settle(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#run((client) => client.zRem(`${this.#prefix}unpublished`, [...ids]));
  }

  /** Takes a lease unless somebody else holds it; who holds it has it for `ms` more. */
  async lease(name: string, holder: string, ms: number): Promise<boolean> {
    return (await this.#run((client) => client.inloopLease([this.#key('lease', name)], [holder, String(ms)]))) === 1;
  }

  /** Notes that a page entered `channel`, or that the last one left it, at `at` (ms). */
  async notePage(channel: string, event: 'opened' | 'vacated', at: number): Promise<void> {
    await this.#run((client) =>
      client.inloopPage([this.#key('page', channel)], [event === 'opened' ? 'o' : 'v', String(at), String(PAGE_TTL_S)]),
    );
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

  /** Marks a task as waited for during the next `ms`. */
  async markWaited(id: string, ms: number): Promise<void> {
    await this.#run((client) => client.inloopWait([this.#key('task', id)], [String(Math.ceil(ms))]));
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
  return error instanceof TaskError && error.code === 'store_unavailable' && wasNotDone(error.cause);
}
