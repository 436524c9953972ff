/**
 * Bytes of answers that are under way, by owner: read, built, or waiting for a client that reads slowly. It serves the
 * router. An owner who asks for more than their share waits for their own answers, and for nobody else's.
 */

import type { Response } from 'express';
import { TaskError } from '../../core/error.ts';
import { MAX_ANSWER_BYTES } from '../../core/limits.ts';

/** Requests of one owner that wait for their share; more are refused at once. */
const MAX_LINE = 100;
/** How long one waits, before it is refused. */
const PATIENCE_MS = 5_000;

interface Waiter {
  readonly bytes: number;
  readonly go: () => void;
}

interface Share {
  used: number;
  readonly line: Set<Waiter>;
}

export class Sending {
  readonly #patience: number;
  readonly #shares = new Map<string, Share>();

  /** @param patience how long a request waits for its share before it is refused, in ms */
  constructor(patience = PATIENCE_MS) {
    this.#patience = patience;
  }

  /** Owners who have answers under way. */
  get size(): number {
    return this.#shares.size;
  }

  /**
   * Resolves when `owner` has room for an answer of at most `bytes`; it is given back when `res` is closed. False where
   * the client has gone away in the meantime: there is nobody to answer.
   * @throws TaskError `too_many_requests` (429) where too many wait, or one for too long
   */
  async reserve(res: Response, owner: string, bytes: number): Promise<boolean> {
    const share = this.#shares.get(owner) ?? { used: 0, line: new Set<Waiter>() };
    this.#shares.set(owner, share);
    // In the order of asking, so that what is big gets its turn.
    if (share.line.size === 0 && fits(share, bytes)) share.used += bytes;
    else if (!(await this.#wait(res, share, bytes))) return false;
    const giveBack = () => {
      share.used -= bytes;
      advance(share);
      if (share.used === 0) this.#shares.delete(owner);
    };
    if (res.destroyed) giveBack();
    else res.once('close', giveBack);
    return !res.destroyed;
  }

  /** Resolves with whether there is room now, which is then taken, or the client has gone. */
  async #wait(res: Response, share: Share, bytes: number): Promise<boolean> {
    if (share.line.size >= MAX_LINE) throw tooMany();
    let leave: (() => void) | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const waiter: Waiter = { bytes, go: () => resolve(true) };
        share.line.add(waiter);
        leave = () => {
          remove(share, waiter);
          resolve(false);
        };
        res.once('close', leave);
        timer = setTimeout(() => {
          remove(share, waiter);
          reject(tooMany());
        }, this.#patience);
      });
    } finally {
      clearTimeout(timer);
      if (leave) res.off('close', leave);
    }
  }
}

/** Lets those in line go for whom there is room, and takes it for them. */
function advance(share: Share): void {
  for (const first of share.line) {
    if (!fits(share, first.bytes)) return;
    share.line.delete(first);
    share.used += first.bytes;
    first.go();
  }
}

function remove(share: Share, waiter: Waiter): void {
  // Who stood behind it may need less.
  if (share.line.delete(waiter)) advance(share);
}

function fits({ used }: Share, bytes: number): boolean {
  return used === 0 || used + bytes <= MAX_ANSWER_BYTES;
}

function tooMany(): TaskError {
  return new TaskError('too_many_requests', 'Too many of your requests are under way. Try again in a moment.', {
    status: 429,
    retryAfter: 1,
  });
}
