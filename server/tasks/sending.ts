/**
 * Limits how many bytes of answers one owner has under way: being read, built, or waiting for a client that reads slowly. It
 * serves the router. An owner who asks for more waits for their own answers, and holds up nobody else.
 */

import type { Response } from 'express';
import { TaskError } from '../../core/error.ts';
import { MAX_ANSWER_BYTES } from '../../core/limits.ts';

/** How many requests of one owner may wait. A further one is refused at once. */
const MAX_LINE = 100;
/** How long a request waits before it is refused. */
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

  /** @param patience how long a request waits before it is refused, in ms */
  constructor(patience = PATIENCE_MS) {
    this.#patience = patience;
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
    const share = this.#shares.get(owner) ?? { used: 0, line: new Set<Waiter>() };
    this.#shares.set(owner, share);
    // In the order of asking, so that a big answer gets its turn.
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

  /** Resolves with true when there is room, which is then taken; with false when the client has gone. */
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

/** Lets the first ones in line go on while there is room, and takes it for them. */
function advance(share: Share): void {
  for (const first of share.line) {
    if (!fits(share, first.bytes)) return;
    share.line.delete(first);
    share.used += first.bytes;
    first.go();
  }
}

function remove(share: Share, waiter: Waiter): void {
  // The next one in line may need less.
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
