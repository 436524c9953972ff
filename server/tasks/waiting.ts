/**
 * Requests that wait for a task to change (`Prefer: wait`, RFC 7240): so that curl, a phone, or a page without push
 * can follow with one open request. Redis wakes them; nobody asks in a loop.
 *
 * Those who wait for one task share what is read of it. Where many tasks are to be read at once (a connection to Redis
 * that is back, a deploy, a crowd whose time is up), a few are in each turn of the event loop, so that the requests of
 * everybody else go on in between.
 */

import type { Redis } from '../../backend/store/redis.ts';
import { isUnavailable } from '../../core/error.ts';
import { MAX_WAIT_SECONDS } from '../../core/limits.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { TickLimiter } from './tick-limiter.ts';

export interface WaitingOptions {
  readonly redis: Pick<Redis, 'onChange'>;
  /**
   * Reads a task. With `ms` above 0 its changes are announced from that very moment on, for so long.
   * @throws TaskError `not_found`, `store_unavailable`
   */
  readonly read: (id: string, ms: number) => Promise<Snapshot>;
  /** Requests of one owner that may wait at once; more are answered at once. */
  readonly perOwner: number;
  /** Requests that may wait at once in this process. */
  readonly inAll: number;
  /** Fires when the server is to end: those who wait are answered. */
  readonly signal: AbortSignal | undefined;
}

export interface Hold {
  readonly owner: string;
  readonly id: string;
  /** How long, in ms. */
  readonly ms: number;
  /** Whether this is worth an answer. */
  readonly isNews: (snapshot: Snapshot) => boolean;
  /** Fires when the client has gone away. */
  readonly gone: AbortSignal;
}

/** A mark in Redis outlives its request by this, in ms, so that slow calls leave no gap. */
const MARK_MARGIN_MS = 5_000;
/** About 3 ms of reading and answering. */
const READS_PER_TICK = 16;

export class Waiting {
  readonly #options: WaitingOptions;
  readonly #limiter = new TickLimiter(READS_PER_TICK);
  readonly #tasks = new Map<string, WaitedTask>();
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(options: WaitingOptions) {
    this.#options = options;
    options.signal?.addEventListener('abort', () => {
      for (const task of this.#tasks.values()) task.end();
    });
  }

  /** Requests that wait now. */
  get size(): number {
    return this.#total;
  }

  /**
   * Resolves with the task as soon as it is news, and otherwise when the time is up or the server is to end. Null where
   * none can wait (too many do already, the server is about to end, or Redis does not answer), and for a client that has
   * gone away.
   * @throws TaskError what `read` throws; while Redis is away for a moment it goes on waiting
   */
  async hold(hold: Hold): Promise<Snapshot | null> {
    const { owner, id } = hold;
    const count = this.#counts.get(owner) ?? 0;
    const { perOwner, inAll, signal, read } = this.#options;
    if (count >= perOwner || this.#total >= inAll || signal?.aborted) return null;
    this.#counts.set(owner, count + 1);
    this.#total++;
    try {
      if (!(await this.#isListening()) || signal?.aborted) return null;
      // Not before, since a task that nobody waits for yet is forgotten when another of its waiters leaves.
      const task = this.#tasks.get(id) ?? new WaitedTask((ms) => read(id, ms), this.#limiter);
      this.#tasks.set(id, task);
      return await task.wait(hold).finally(() => task.isEmpty && this.#tasks.delete(id));
    } finally {
      const left = (this.#counts.get(owner) ?? 1) - 1;
      if (left > 0) this.#counts.set(owner, left);
      else this.#counts.delete(owner);
      this.#total--;
    }
  }

  async #isListening(): Promise<boolean> {
    try {
      await this.#options.redis.onChange(this.#onChange);
      return true;
    } catch {
      // Redis is away just now: nobody could wake us.
      return false;
    }
  }

  readonly #onChange = (id: string | null): void => {
    if (id !== null) this.#tasks.get(id)?.refresh();
    else for (const task of this.#tasks.values()) task.refresh();
  };
}

interface Waiter {
  /** When its time is up, by `performance.now()`. */
  readonly endsAt: number;
  /** Whether it takes whatever is read next. */
  isLast: boolean;
  readonly isNews: (snapshot: Snapshot) => boolean;
  readonly resolve: (snapshot: Snapshot | null) => void;
  readonly reject: (error: unknown) => void;
}

/** Those who wait for one task. */
class WaitedTask {
  readonly #read: (ms: number) => Promise<Snapshot>;
  readonly #limiter: TickLimiter;
  readonly #waiters = new Set<Waiter>();
  #isReading = false;
  #isDue = false;

  constructor(read: (ms: number) => Promise<Snapshot>, limiter: TickLimiter) {
    this.#read = read;
    this.#limiter = limiter;
  }

  get isEmpty(): boolean {
    return this.#waiters.size === 0;
  }

  async wait({ ms, isNews, gone }: Hold): Promise<Snapshot | null> {
    let timer: NodeJS.Timeout | undefined;
    let leave: (() => void) | undefined;
    let waiter: Waiter | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const own = { endsAt: performance.now() + ms, isLast: false, isNews, resolve, reject };
        waiter = own;
        leave = () => resolve(null);
        this.#waiters.add(own);
        timer = setTimeout(() => {
          own.isLast = true;
          this.refresh();
        }, ms);
        gone.addEventListener('abort', leave);
        if (gone.aborted) leave();
        // What has changed before the changes were announced is in what is read now.
        else this.refresh();
      });
    } finally {
      clearTimeout(timer);
      if (leave) gone.removeEventListener('abort', leave);
      if (waiter) this.#waiters.delete(waiter);
    }
  }

  /** Answers everybody with what is read next. */
  end(): void {
    for (const waiter of this.#waiters) waiter.isLast = true;
    this.refresh();
  }

  /** Reads the task soon, for all who wait by then; where it is being read already, once more after that. */
  refresh(): void {
    this.#isDue = true;
    if (!this.#isReading) void this.#readWhileDue();
  }

  async #readWhileDue(): Promise<void> {
    this.#isReading = true;
    while (this.#isDue && !this.isEmpty) {
      await this.#limiter.wait();
      this.#isDue = false;
      if (!this.isEmpty) await this.#readOnce([...this.#waiters]);
    }
    this.#isReading = false;
  }

  async #readOnce(waiters: readonly Waiter[]): Promise<void> {
    const left = Math.max(...waiters.map(({ endsAt, isLast }) => (isLast ? 0 : endsAt - performance.now())));
    try {
      const snapshot = await this.#read(left > 0 ? left + MARK_MARGIN_MS : 0);
      for (const { isLast, isNews, resolve } of waiters) if (isLast || isNews(snapshot)) resolve(snapshot);
    } catch (error) {
      // With a new connection to Redis we read again; until then the time may be up.
      const isAway = isUnavailable(error);
      for (const { isLast, reject } of waiters) if (isLast || !isAway) reject(error);
    }
  }
}

/** The seconds that a `Prefer` header asks to wait, at most 30; null where it asks for none. The first `wait` counts. */
export function parseWait(header: string | undefined): number | null {
  for (const preference of header?.split(',') ?? []) {
    const match = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;|$)/i.exec(preference);
    if (match) return Math.min(Number(match[1]), MAX_WAIT_SECONDS) || null;
  }
  return null;
}
