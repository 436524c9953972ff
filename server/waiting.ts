/**
 * Requests that wait for a task to change (`Prefer: wait`, RFC 7240): so that curl, a phone, or a page without push
 * can follow with one open request. Redis wakes them; nobody asks in a loop.
 */

import type { Redis } from '../backend/redis.ts';
import { TaskError } from '../core/error.ts';
import { MAX_WAIT_SECONDS } from '../core/limits.ts';
import type { Snapshot } from '../core/snapshot.ts';

export interface WaitingOptions {
  readonly redis: Pick<Redis, 'onChange' | 'markWaited'>;
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
  readonly read: () => Promise<Snapshot>;
  /** Whether this is worth an answer. */
  readonly isNews: (snapshot: Snapshot) => boolean;
  /** Fires when the client has gone away. */
  readonly gone: AbortSignal;
}

/** A mark in Redis outlives its request by this, in ms, so that clocks and slow calls leave no gap. */
const MARK_MARGIN_MS = 5_000;

export class Waiting {
  readonly #options: WaitingOptions;
  readonly #wakers = new Map<string, Set<() => void>>();
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(options: WaitingOptions) {
    this.#options = options;
  }

  /** Requests that wait now. */
  get size(): number {
    return this.#total;
  }

  /**
   * Resolves with the task as soon as it is news, and otherwise when the time is up, the client is gone or the server
   * is to end. Null where none can wait: too many do already, the server is about to end, or Redis does not answer.
   * @throws TaskError what `read` throws; while Redis is away for a moment it goes on waiting
   */
  async hold(hold: Hold): Promise<Snapshot | null> {
    const { owner, id } = hold;
    const count = this.#counts.get(owner) ?? 0;
    const { perOwner, inAll, signal } = this.#options;
    if (count >= perOwner || this.#total >= inAll || signal?.aborted) return null;
    this.#counts.set(owner, count + 1);
    this.#total++;
    const sleeper = new Sleeper([hold.gone, signal]);
    const wakers = this.#wakers.get(id) ?? new Set();
    this.#wakers.set(id, wakers.add(sleeper.wake));
    try {
      if (!(await this.#isListening())) return null;
      return await this.#wait(hold, sleeper);
    } finally {
      sleeper.end();
      wakers.delete(sleeper.wake);
      if (wakers.size === 0 && this.#wakers.get(id) === wakers) this.#wakers.delete(id);
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

  async #wait({ id, ms, read, isNews }: Hold, sleeper: Sleeper): Promise<Snapshot> {
    const end = Date.now() + ms;
    for (;;) {
      const left = end - Date.now();
      const isLast = left <= 0 || sleeper.isEnded;
      try {
        // Marked, then read: what changes after the mark wakes us, what changed before it is in what we read.
        if (!isLast) await this.#options.redis.markWaited(id, left + MARK_MARGIN_MS);
        const task = await read();
        if (isLast || isNews(task)) return task;
      } catch (error) {
        // With a new connection to Redis we are woken; until then the time may be up.
        if (isLast || !(error instanceof TaskError && error.code === 'store_unavailable')) throw error;
      }
      await sleeper.sleep(end - Date.now());
    }
  }

  readonly #onChange = (id: string | null): void => {
    const sets = id === null ? this.#wakers.values() : [this.#wakers.get(id) ?? []];
    for (const wakers of sets) for (const wake of wakers) wake();
  };
}

/** The seconds that a `Prefer` header asks to wait, at most 30; null where it asks for none. The first `wait` counts. */
export function parseWait(header: string | undefined): number | null {
  for (const preference of header?.split(',') ?? []) {
    const match = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;|$)/i.exec(preference);
    if (match) return Math.min(Number(match[1]), MAX_WAIT_SECONDS) || null;
  }
  return null;
}

/** Sleeps until woken; a wake that comes while it is awake is not forgotten. */
class Sleeper {
  readonly #signals: readonly AbortSignal[];
  #isDue = false;
  #resolve: (() => void) | null = null;

  constructor(signals: readonly (AbortSignal | undefined)[]) {
    this.#signals = signals.filter((signal) => signal !== undefined);
    for (const signal of this.#signals) signal.addEventListener('abort', this.wake, { once: true });
  }

  get isEnded(): boolean {
    return this.#signals.some((signal) => signal.aborted);
  }

  readonly wake = (): void => {
    this.#isDue = true;
    this.#resolve?.();
  };

  async sleep(ms: number): Promise<void> {
    if (!this.#isDue && !this.isEnded && ms > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#resolve = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#resolve = null;
    this.#isDue = false;
  }

  end(): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.wake);
  }
}
