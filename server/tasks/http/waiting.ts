/**
 * Requests that wait for a task to change (`Prefer: wait`, RFC 7240). With them curl, a phone, or a page without push
 * follows a task by one open request. It serves the router. Redis announces the changes, so nothing asks in a loop.
 *
 * Requests that wait for the same task share one read of it. Sometimes many tasks have to be read at once: after a reconnect
 * to Redis, at a deploy, or when the time of many requests is up. Then a few are read in each tick of the event loop, and
 * other requests are served in between.
 */

import type { Redis } from '../../../backend/store/redis.ts';
import { isUnavailable } from '../../../core/error.ts';
import { MAX_WAIT_SECONDS } from '../../../core/limits.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { TickLimiter } from './tick-limiter.ts';

export interface WaitingOptions {
  readonly redis: Pick<Redis, 'onChange'>;
  /**
   * Reads a task. With `ms` above 0, its changes are announced from that moment on, for `ms`.
   * @throws TaskError `not_found`, `store_unavailable`
   */
  readonly read: (id: string, ms: number) => Promise<Snapshot>;
  /** How many requests of one owner may wait. A further one is answered at once. */
  readonly perOwner: number;
  /** How many requests may wait in this process. */
  readonly inAll: number;
  /** Aborts when the server is to end. Then all requests are answered. */
  readonly signal: AbortSignal | undefined;
}

/** A request that waits for news of a task. */
export interface Hold {
  readonly owner: string;
  readonly id: string;
  /** How long, in ms. */
  readonly ms: number;
  /** Whether the request is answered with this snapshot. */
  readonly isNews: (snapshot: Snapshot) => boolean;
  /** Aborts when the client has gone away. */
  readonly gone: AbortSignal;
}

/** Redis announces the changes of a task while the task is marked. The mark lasts this much longer than the request, in ms. */
const MARK_MARGIN_MS = 5_000;
/** At most this many tasks are read in one tick of the event loop. Reading and answering them takes about 3 ms. */
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

  /** How many requests wait now. */
  get size(): number {
    return this.#total;
  }

  /**
   * Resolves with the task when `isNews` says so, when the time is up, or when the server is to end. Resolves with null if
   * the request cannot begin to wait (too many do, the server is about to end, Redis does not answer), or its client has gone.
   * @throws TaskError what `read` throws. If Redis stops answering later, the request goes on waiting
   */
  async hold(hold: Hold): Promise<Snapshot | null> {
    const { owner, id } = hold;
    const count = this.#counts.get(owner) ?? 0;
    const { perOwner, inAll, signal, read } = this.#options;
    if (count >= perOwner || this.#total >= inAll || signal?.aborted) return null;
    this.#counts.set(owner, count + 1);
    this.#total++;
    try {
      if (!(await this.#listen()) || signal?.aborted) return null;
      // Looked up after the wait for Redis: meanwhile the last request may have left, and the entry been deleted.
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

  /** Subscribes to the changes that Redis announces. Resolves with whether that was possible. */
  async #listen(): Promise<boolean> {
    try {
      await this.#options.redis.onChange(this.#onChange);
      return true;
    } catch {
      // Redis does not answer just now.
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
  /** Whether it is answered with what is read next, news or not. */
  isLast: boolean;
  readonly isNews: (snapshot: Snapshot) => boolean;
  readonly resolve: (snapshot: Snapshot | null) => void;
  readonly reject: (error: unknown) => void;
}

/** The requests that wait for one task. */
class WaitedTask {
  readonly #read: (ms: number) => Promise<Snapshot>;
  readonly #limiter: TickLimiter;
  readonly #waiters = new Set<Waiter>();
  #isReading = false;
  /** Whether the task has to be read (again). */
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
        // This read finds the changes from before the announcements began.
        else this.refresh();
      });
    } finally {
      clearTimeout(timer);
      if (leave) gone.removeEventListener('abort', leave);
      if (waiter) this.#waiters.delete(waiter);
    }
  }

  /** Answers all requests with what is read next. */
  end(): void {
    for (const waiter of this.#waiters) waiter.isLast = true;
    this.refresh();
  }

  /** Reads the task soon, for all requests that wait by then. If a read is running, another one follows it. */
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
      // When Redis is connected again, the task is read again. Only requests whose time is up get the error.
      const isAway = isUnavailable(error);
      for (const { isLast, reject } of waiters) if (isLast || !isAway) reject(error);
    }
  }
}

/** How many seconds a `Prefer` header asks to wait, at most 30; null if it does not. The first `wait` counts. */
export function parseWait(header: string | undefined): number | null {
  for (const preference of header?.split(',') ?? []) {
    const match = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;|$)/i.exec(preference);
    if (match) return Math.min(Number(match[1]), MAX_WAIT_SECONDS) || null;
  }
  return null;
}
