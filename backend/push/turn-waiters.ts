/**
 * The tasks that wait for a turn, each with its promise. It serves the publisher, and through it the worker. The pacer decides
 * whose turn it is. This file has the timer and the promises.
 */

import { EarliestTimer } from './earliest-timer.ts';
import type { GivenTurn, Pacer } from './pacer.ts';

/** The right to store one step of a task and publish it. */
export interface Turn {
  /**
   * Must be called when the step is stored, or given up. The time until then shows how fast the store is. While the store
   * is slow, turns come less often.
   */
  end(): void;
}

export interface TurnOptions {
  /** The turn is not wanted before this time, in ms from now. */
  readonly after: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/** A task that waits. */
interface Waiter {
  give(turn: Turn): void;
  cancel(): void;
}

export class TurnWaiters {
  readonly #pacer: Pacer;
  /** By the key of the task. */
  readonly #waiters = new Map<string, Waiter>();
  readonly #timer = new EarliestTimer(() => this.#giveTurns());
  #isClosed = false;

  constructor(pacer: Pacer) {
    this.#pacer = pacer;
  }

  /** Waits for the turn of a task, see `Publisher.takeTurn`. @param key tells this wait apart from all others */
  waitForTurn(owner: string, key: string, { after, signal }: TurnOptions): Promise<Turn | null> {
    this.#waiters.get(key)?.cancel();
    if (this.#isClosed || signal.aborted) return Promise.resolve(null);
    return new Promise((resolve) => {
      const answer = (turn: Turn | null) => {
        signal.removeEventListener('abort', cancel);
        this.#waiters.delete(key);
        resolve(turn);
      };
      const cancel = () => {
        this.#pacer.withdraw(owner, key);
        answer(null);
      };
      signal.addEventListener('abort', cancel);
      this.#waiters.set(key, { give: answer, cancel });
      const now = performance.now();
      this.#pacer.request(owner, key, now + after, now);
      this.#timer.schedule(this.#pacer.nextTurnAt);
    });
  }

  /** Ends every wait with null. */
  close(): void {
    this.#isClosed = true;
    this.#timer.stop();
    for (const waiter of [...this.#waiters.values()]) waiter.cancel();
  }

  #giveTurns(): void {
    for (const turn of this.#pacer.giveTurns(performance.now())) {
      this.#waiters.get(turn.key)?.give({ end: () => this.#end(turn) });
    }
    this.#timer.schedule(this.#pacer.nextTurnAt);
  }

  #end(turn: GivenTurn): void {
    this.#pacer.endTurn(turn, performance.now());
    this.#timer.schedule(this.#pacer.nextTurnAt);
  }
}
