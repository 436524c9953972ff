/**
 * The only file that knows Redis commands. It serves the task store: every method is one round trip, every
 * change one atomic step, and none takes longer than its deadline, whatever state Redis is in.
 */

import { type CommandParser, createClient, defineScript } from '@redis/client';
import { TaskError } from '../core/error.ts';
import { withDeadline } from './async.ts';
import { type Log, Outage } from './log.ts';
import { queueKey } from './queue.ts';
import { COMMIT, CREATE, DISCARD, LEASE, LIST, PAGE, WAIT } from './scripts.ts';

/** Under the 2 s within which an accepting server must have answered. */
const COMMAND_DEADLINE_MS = 1_500;
const IDEMPOTENCY_TTL_S = 24 * 3_600;
/** A page that stays open renews its mark with every authorization; after this, nothing is known and we push. */
const PAGE_TTL_S = 24 * 3_600;
/** How rarely creating a task looks for ids in the owner's index whose records have expired. */
const FORGET_EVERY = 8;
const PING_EVERY_MS = 5_000;
/**
 * How many new tasks go to Redis in one turn of the event loop; more go in the next. The client writes once a turn, and
 * if all go together, Redis waits for this process and then this process for Redis: under load about 5 % fewer tasks
 * are accepted a second. Not so with a worker's commands: there, more writes cost more than waiting.
 */
const CREATED_A_TURN = 8;
/** Bounds memory while Redis is frozen: above it commands are refused at once. */
const MAX_WAITING_COMMANDS = 20_000;

/** A record as Redis holds it. */
export interface StoredTask {
  readonly snapshot: string;
  readonly owner: string;
  readonly input: string;
  /** What came, where its schema made something else of it; empty where it was no JSON. */
  readonly raw: string | null;
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
  readonly url: string;
  /** Before every key and channel, for example `inloop:`. */
  readonly prefix: string;
  /** How long finished tasks are kept, in seconds. */
  readonly retention: number;
  /** The push channel of an owner: pages are known by it, since webhooks name it. */
  readonly channelOf: (owner: string) => string;
  readonly log: Log;
}

type Client = ReturnType<typeof connect>;

export class Redis {
  readonly #client: Client;
  readonly #prefix: string;
  readonly #retention: string;
  readonly #channelOf: (owner: string) => string;
  readonly #outage: Outage;
  #subscriber: Client | null = null;
  readonly #changeListeners = new Set<(id: string | null) => void>();
  #opened: Promise<unknown> | null = null;
  readonly #waiting = new Set<() => void>();
  #createdThisTurn = 0;
  #closed = false;

  constructor(options: RedisOptions) {
    this.#prefix = options.prefix;
    this.#retention = String(Math.ceil(options.retention));
    this.#channelOf = options.channelOf;
    this.#outage = new Outage(options.log, 'Redis');
    this.#client = connect(options.url);
    this.#watch(this.#client);
    this.#client.on('ready', () => {
      for (const ready of [...this.#waiting]) ready();
    });
  }

  /** Stores a new task with its job, unless its key was used before; then says what that key stands for. */
  async create(task: {
    readonly id: string;
    readonly owner: string;
    readonly name: string;
    readonly snapshot: string;
    readonly input: string;
    readonly raw: string | null;
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
          ...(task.raw === null ? [] : [task.raw]),
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
    const [snapshot, owner, input, raw = null] = await this.#run((client) =>
      client.hmGet(this.#key('task', id), ['s', 'o', 'i', 'x']),
    );
    return snapshot && owner && input ? { snapshot, owner, input, raw } : null;
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

  /** Resolves when Redis answers within the deadline. */
  async ping(): Promise<void> {
    await this.#run((client) => client.ping());
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const client of [this.#client, this.#subscriber]) {
      if (client?.isOpen) client.destroy();
    }
  }

  async #subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    if (this.#subscriber === null) {
      this.#subscriber = this.#watch(this.#client.duplicate() as unknown as Client);
      // Subscribed again by then; what was published in between is lost.
      this.#subscriber.on('ready', () => {
        for (const missed of this.#changeListeners) missed(null);
      });
    }
    if (!this.#subscriber.isOpen) await withDeadline(this.#subscriber.connect(), COMMAND_DEADLINE_MS);
    await withDeadline(this.#subscriber.subscribe(`${this.#prefix}${channel}`, listener), COMMAND_DEADLINE_MS);
  }

  #key(kind: string, of: string): string {
    return `${this.#prefix}${kind}:${of}`;
  }

  async #run<T>(command: (client: Client) => Promise<T>): Promise<T> {
    if (this.#closed) throw unavailable('the backend was closed');
    try {
      const answer = await withDeadline(
        this.#client.isReady ? command(this.#client) : this.#whenReady().then(() => command(this.#client)),
        COMMAND_DEADLINE_MS,
      );
      this.#outage.succeeded();
      return answer;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // Redis answered, with an error: a wrong password, a read-only replica, or a bug of ours.
      if (!this.#closed) this.#outage.failed(reason);
      throw unavailable(reason, error);
    }
  }

  /** Resolves when there is a connection, or rejects at the deadline; nothing is kept of those who waited in vain. */
  #whenReady(): Promise<void> {
    this.#opened ??= this.#client.connect().catch(() => {
      this.#opened = null;
    });
    return new Promise((resolve, reject) => {
      const ready = () => {
        clearTimeout(timer);
        this.#waiting.delete(ready);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(ready);
        reject(new Error('not connected'));
      }, COMMAND_DEADLINE_MS);
      this.#waiting.add(ready);
    });
  }

  #watch(client: Client): Client {
    // Without a listener a lost connection would end the process.
    client.on('error', (error: Error) => {
      if (!this.#closed) this.#outage.failed(error.message);
    });
    return client;
  }
}

function connect(url: string) {
  return createClient({
    url,
    // A command that was not sent is refused: what waits, waits in our hands, with a deadline.
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_WAITING_COMMANDS,
    // Ours is the deadline; the client's own costs more than the command, and is kept for five seconds after it.
    commandOptions: { timeout: 0 },
    // A connection that died without a word is noticed: two pings go unanswered.
    pingInterval: PING_EVERY_MS,
    socket: {
      reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 1_000),
      connectTimeout: 5_000,
      socketTimeout: 2.5 * PING_EVERY_MS,
    },
    scripts: {
      inloopCreate: script(CREATE),
      inloopDiscard: script(DISCARD),
      inloopCommit: script(COMMIT),
      inloopList: script(LIST),
      inloopPage: script(PAGE),
      inloopLease: script(LEASE),
      inloopWait: script(WAIT),
    },
  });
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

function unavailable(reason: string, cause?: unknown): TaskError {
  return new TaskError('store_unavailable', 'The task store does not answer just now. Try again in a moment.', {
    status: 503,
    retryAfter: 1,
    cause: cause ?? new Error(reason),
  });
}
