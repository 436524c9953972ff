/**
 * Says when a task may take its next step: store its progress, and publish it. It serves the publisher. Pure: it has no
 * timers and no I/O; time goes in, in ms of a clock that never goes back.
 *
 * The tasks of one owner take turns, one turn in each window. The window fits this process' share of the owner's budget:
 * 100 ms at 10 messages a second, 300 ms if three workers share them. It grows while the bus or the store is slow. Owners do
 * not wait for each other.
 */

import type { Budget } from './budget.ts';

/**
 * Turns fall on multiples of 50 ms, so that the steps of many owners share requests. Example: after a turn at 130 ms, with a
 * window of 100 ms, the next turn is at 200 ms and not at 230 ms. Such an early turn, too, needs room in the budget.
 */
const GRID_MS = 50;
/** While the bus or the store is slow, the window grows to at most 1 s. */
const WIDEST_WINDOW_MS = 1_000;
/**
 * An answer is slow if it takes longer than this, or longer than the narrowest window. Example: at 20 messages a second the
 * narrowest window is 50 ms, and an answer after 60 ms is slow.
 */
const SLOW_MS = 100;
/** A wider window is kept this long at least. After that, a quick answer halves it. */
const WIDE_FOR_MS = 1_000;
/** How often the owners without tasks are forgotten at most: a new owner makes it happen. */
const CLEAN_EVERY_MS = 1_000;

/** A turn that a task was given. */
export interface GivenTurn {
  readonly owner: string;
  readonly key: string;
  /** When the turn was given, in ms. */
  readonly since: number;
}

/** What is known of one owner. */
interface Owner {
  readonly name: string;
  /** Tasks that wait for a turn, each with the earliest time at which it wants one. */
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
  /** Owners with tasks that wait. */
  readonly #waiting = new Set<Owner>();
  #window: number;
  #windowChangedAt = Number.NEGATIVE_INFINITY;
  #nextTurnAt = Number.POSITIVE_INFINITY;
  #cleanedAt = Number.NEGATIVE_INFINITY;

  /** @param budget is only read here. The outbox spends it when it sends a step */
  constructor(budget: Budget) {
    this.#budget = budget;
    this.#narrowest = 1_000 / budget.perSecond;
    this.#widest = Math.max(this.#narrowest, WIDEST_WINDOW_MS);
    this.#window = this.#narrowest;
  }

  /** The time between two turns of one owner whose budget is not shared, in ms. */
  get window(): number {
    return this.#window;
  }

  /** When to call {@link giveTurns} again if nothing else happens before; Infinity if there is no need to. */
  get nextTurnAt(): number {
    return this.#nextTurnAt;
  }

  /** How many owners have an entry here. */
  get owners(): number {
    return this.#owners.size;
  }

  /** A task waits for a turn, and does not want it before `notBefore`. Calling again changes that time. */
  request(owner: string, key: string, notBefore: number, now: number): void {
    const entry = this.#owners.get(owner) ?? this.#create(owner, now);
    entry.waiting.set(key, notBefore);
    this.#waiting.add(entry);
    this.#nextTurnAt = Math.min(this.#nextTurnAt, Math.max(notBefore, this.#readyAt(entry, now)));
  }

  /** A task no longer waits for a turn. */
  withdraw(owner: string, key: string): void {
    const entry = this.#owners.get(owner);
    if (entry?.waiting.delete(key) && entry.waiting.size === 0) this.#waiting.delete(entry);
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
        const window = Math.max(this.#window, this.#budget.gap(owner.name, now));
        owner.windowEndsAt = Math.floor((now + window) / GRID_MS) * GRID_MS;
        readyAt = this.#readyAt(owner, now);
        turns.push(turn);
      }
      if (owner.waiting.size === 0) this.#waiting.delete(owner);
    }
    return turns;
  }

  /** The task has stored its step, or given it up. Ending a turn twice does nothing. */
  endTurn(turn: GivenTurn, now: number): void {
    const entry = this.#owners.get(turn.owner);
    if (!entry?.openTurns.delete(turn)) return;
    this.noteAnswer(now - turn.since, false, now);
    // Another task may have waited for this turn to end.
    if (entry.waiting.size > 0) this.#nextTurnAt = Number.NEGATIVE_INFINITY;
  }

  /** The bus or the store has answered after `took` ms, or failed. A slow answer doubles the window, a quick one halves it. */
  noteAnswer(took: number, hasFailed: boolean, now: number): void {
    const unchangedFor = now - this.#windowChangedAt;
    if (hasFailed || took > Math.min(this.#narrowest, SLOW_MS)) {
      // Doubled once in a window at most: four slow answers that come together count as one.
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
    return this.#budget.left(name, now) > openTurns.size ? now : this.#budget.nextAt(name, now);
  }

  #create(name: string, now: number): Owner {
    this.#clean(now);
    const owner: Owner = { name, waiting: new Map(), openTurns: new Set(), windowEndsAt: 0 };
    this.#owners.set(name, owner);
    return owner;
  }

  /** At most once a second: forgets the owners without tasks, open turns or a window. */
  #clean(now: number): void {
    if (now - this.#cleanedAt < CLEAN_EVERY_MS) return;
    this.#cleanedAt = now;
    for (const [name, { waiting, openTurns, windowEndsAt }] of this.#owners) {
      if (waiting.size === 0 && openTurns.size === 0 && windowEndsAt <= now) this.#owners.delete(name);
    }
  }
}
