/**
 * Limits how many bytes of answers one owner has under way: being read, built, or waiting for a client that reads slowly. It
 * serves the router. Further requests of the owner wait until earlier ones are answered. Other owners are not delayed.
 */

import type { Response } from 'express';
import { TaskError } from '../../../core/error.ts';
import { MAX_ANSWER_BYTES } from '../../../core/limits.ts';

/** How many requests of one owner may wait. A further one is refused at once. */
const MAX_QUEUE = 100;
/** How long a request waits before it is refused. */
const MAX_WAIT_MS = 5_000;

/** A request that waits for room for `bytes`. `go` lets it go on. */
interface Waiter {
  readonly bytes: number;
  readonly go: () => void;
}

/** The answers of one owner. */
interface Share {
  /** How many bytes are under way. */
  used: number;
  /** The requests that wait for room, in order. */
  readonly queue: Set<Waiter>;
}

export class AnswerLimiter {
  readonly #maxWaitMs: number;
  readonly #shares = new Map<string, Share>();

  /** @param maxWaitMs how long a request waits before it is refused, in ms */
  constructor(maxWaitMs = MAX_WAIT_MS) {
    this.#maxWaitMs = maxWaitMs;
  }

  /** How many owners have answers under way. */
  get size(): number {
    return this.#shares.size;
  }

  /**
   * Resolves with true when `owner` has room for an answer of at most `bytes`. The room is given back when `res` is closed.
   * Resolves with false if the client has gone away in the meantime.
   * @throws TaskError `too_many_requests` (429) if too many requests wait, or this one for too long
   */
  async reserve(res: Response, owner: string, bytes: number): Promise<boolean> {
    const share = this.#shares.get(owner) ?? { used: 0, queue: new Set<Waiter>() };
    this.#shares.set(owner, share);
    // Requests are served in order. If small answers could overtake, a big one might never get room.
    if (share.queue.size === 0 && fits(share, bytes)) share.used += bytes;
    else if (!(await this.#wait(res, share, bytes))) return false;
    const giveBack = () => {
      share.used -= bytes;
      serveQueue(share);
      if (share.used === 0) this.#shares.delete(owner);
    };
    if (res.destroyed) giveBack();
    else res.once('close', giveBack);
    return !res.destroyed;
  }

  /** Resolves with true when there is room, which is then taken; with false when the client has gone. */
  async #wait(res: Response, share: Share, bytes: number): Promise<boolean> {
    if (share.queue.size >= MAX_QUEUE) throw tooManyError();
    let leave: (() => void) | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const waiter: Waiter = { bytes, go: () => resolve(true) };
        share.queue.add(waiter);
        leave = () => {
          remove(share, waiter);
          resolve(false);
        };
        res.once('close', leave);
        timer = setTimeout(() => {
          remove(share, waiter);
          reject(tooManyError());
        }, this.#maxWaitMs);
      });
    } finally {
      clearTimeout(timer);
      if (leave) res.off('close', leave);
    }
  }
}

/** Lets the first requests of the queue go on, as long as there is room. */
function serveQueue(share: Share): void {
  for (const first of share.queue) {
    if (!fits(share, first.bytes)) return;
    share.queue.delete(first);
    share.used += first.bytes;
    first.go();
  }
}

function remove(share: Share, waiter: Waiter): void {
  // The next request may need less room.
  if (share.queue.delete(waiter)) serveQueue(share);
}

/** Whether there is room. An answer that is larger than the limit may go alone. */
function fits({ used }: Share, bytes: number): boolean {
  return used === 0 || used + bytes <= MAX_ANSWER_BYTES;
}

function tooManyError(): TaskError {
  return new TaskError('too_many_requests', 'Too many of your requests are under way. Try again in a moment.', {
    status: 429,
    retryAfter: 1,
  });
}
