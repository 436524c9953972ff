/**
 * Says when a task may take its next step: store how far it is, and publish it. It serves the publisher. Pure: it has no
 * timers and no I/O; time goes in, in ms of a clock that never goes back.
 *
 * The tasks of one owner take turns, one turn in each window. The window fits the owner's budget: 100 ms at 10 messages
 * a second. It grows while the bus or the store is slow. Owners do not wait for each other.
 */

import type { Budget } from './budget.ts';

/**
 * Turns fall on multiples of 50 ms, so that the steps of many owners share requests. A turn at 130 ms with a window of
 * 100 ms has the next one at 200 ms and not at 230 ms. Turns that come early by that still cannot exceed the budget.
 */
const BEAT_MS = 50;
/** While the bus or the store is slow, the window grows up to one step a second. */
const WIDEST_WINDOW_MS = 1_000;
/** An answer that takes longer is slow. With 20 messages a second, so is one that takes longer than their window of 50 ms. */
const SLOW_MS = 100;
/** How long a wider window is kept, before the next quick answer halves it. */
const WIDE_FOR_MS = 1_000;
/** How often the owners without tasks are forgotten. */
const CLEAN_EVERY_MS = 1_000;

/** A turn that a task was given. */
export interface GivenTurn {
  readonly owner: string;
  readonly key: string;
  /** When it was given, in ms. */
  readonly since: number;
}

/** What is known of one owner. */
interface Owner {
  readonly name: string;
  /** Tasks that wait for a turn, with the time before which they do not want it. */
  readonly waiting: Map<string, number>;
  /** Turns that were given and have not ended. */
  readonly openTurns: Set<GivenTurn>;
  /** When the window of the last turn is over. */
  windowEndsAt: number;
}

export class Pacer {
  readonly #budget: Budget;
  readonly #narrowest: number;
  readonly #widest: number;
  readonly #owners = new Map<string, Owner>();
  /** Those with tasks that wait. */
  readonly #waiting = new Set<Owner>();
  #window: number;
  #windowChangedAt = Number.NEGATIVE_INFINITY;
  #nextTurnAt = Number.POSITIVE_INFINITY;
  #cleanedAt = Number.NEGATIVE_INFINITY;

  /** @param budget only asked: whoever sends a step spends it */
  constructor(budget: Budget) {
    this.#budget = budget;
    this.#narrowest = 1_000 / budget.perSecond;
    this.#widest = Math.max(this.#narrowest, WIDEST_WINDOW_MS);
    this.#window = this.#narrowest;
  }

  /** The time between two turns of one owner, in ms. */
  get window(): number {
    return this.#window;
  }

  /** When {@link giveTurns} may have one though nothing else happens meanwhile; Infinity for never. */
  get nextTurnAt(): number {
    return this.#nextTurnAt;
  }

  /** How many owners have an entry here. */
  get owners(): number {
    return this.#owners.size;
  }

  /** A task waits for a turn, and does not want it before `notBefore`. Calling again changes that time. */
  request(owner: string, key: string, notBefore: number, now: number): void {
    const known = this.#owners.get(owner) ?? this.#create(owner, now);
    known.waiting.set(key, notBefore);
    this.#waiting.add(known);
    this.#nextTurnAt = Math.min(this.#nextTurnAt, Math.max(notBefore, this.#readyAt(known, now)));
  }

  /** A task waits no more. */
  withdraw(owner: string, key: string): void {
    const known = this.#owners.get(owner);
    if (known?.waiting.delete(key) && known.waiting.size === 0) this.#waiting.delete(known);
  }

  /** Gives the turns that are due, the longest wait first. Each must be ended with {@link endTurn}. */
  giveTurns(now: number): GivenTurn[] {
    if (now < this.#nextTurnAt) return [];
    this.#nextTurnAt = Number.POSITIVE_INFINITY;
    const turns: GivenTurn[] = [];
    for (const owner of this.#waiting) {
      let readyAt = this.#readyAt(owner, now);
      for (const [key, notBefore] of owner.waiting) {
        const at = Math.max(notBefore, readyAt);
        if (at > now) {
          this.#nextTurnAt = Math.min(this.#nextTurnAt, at);
          continue;
        }
        owner.waiting.delete(key);
        const turn = { owner: owner.name, key, since: now };
        owner.openTurns.add(turn);
        owner.windowEndsAt = Math.floor((now + this.#window) / BEAT_MS) * BEAT_MS;
        readyAt = this.#readyAt(owner, now);
        turns.push(turn);
      }
      if (owner.waiting.size === 0) this.#waiting.delete(owner);
    }
    return turns;
  }

  /** The task has stored its step, or given it up. Ending a turn twice does nothing. */
  endTurn(turn: GivenTurn, now: number): void {
    const known = this.#owners.get(turn.owner);
    if (!known?.openTurns.delete(turn)) return;
    this.noteAnswer(now - turn.since, false, now);
    // Another task may have waited for this turn to end.
    if (known.waiting.size > 0) this.#nextTurnAt = Number.NEGATIVE_INFINITY;
  }

  /** The bus or the store has answered after `took` ms, or failed. Doubles the window, or halves it again. */
  noteAnswer(took: number, hasFailed: boolean, now: number): void {
    const unchangedFor = now - this.#windowChangedAt;
    if (hasFailed || took > Math.min(this.#narrowest, SLOW_MS)) {
      // Once a window: four slow answers that come together are one sign of trouble.
      if (unchangedFor >= this.#window) this.#setWindow(this.#window * 2, now);
    } else if (unchangedFor >= WIDE_FOR_MS) this.#setWindow(this.#window / 2, now);
  }

  #setWindow(ms: number, now: number): void {
    const window = Math.min(Math.max(ms, this.#narrowest), this.#widest);
    if (window === this.#window) return;
    this.#window = window;
    this.#windowChangedAt = now;
  }

  /** When to look at this owner again: once the window is over, then once the budget has a message for the turn. */
  #readyAt({ name, openTurns, windowEndsAt }: Owner, now: number): number {
    if (windowEndsAt > now) return windowEndsAt;
    // An open turn will publish, so it counts as a message already.
    return this.#budget.left(name, now) > openTurns.size ? now : this.#budget.nextAt(name);
  }

  #create(name: string, now: number): Owner {
    this.#clean(now);
    const owner: Owner = { name, waiting: new Map(), openTurns: new Set(), windowEndsAt: 0 };
    this.#owners.set(name, owner);
    return owner;
  }

  /** Once a second, forgets the owners of whom there is nothing left to know. */
  #clean(now: number): void {
    if (now - this.#cleanedAt < CLEAN_EVERY_MS) return;
    this.#cleanedAt = now;
    for (const [name, { waiting, openTurns, windowEndsAt }] of this.#owners) {
      if (waiting.size === 0 && openTurns.size === 0 && windowEndsAt <= now) this.#owners.delete(name);
    }
  }
}
