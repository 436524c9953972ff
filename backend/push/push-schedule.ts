/**
 * Decides which events leave when, and which task may take its next step. It serves the publisher. Pure: it has no
 * timers and no I/O; time goes in (ms of any clock that never goes back), decisions come out.
 *
 * - Each owner has a budget: so many events in any second. Outcomes use it up too, though never the last of it, so
 *   that what moves is seen to move; but nothing holds an outcome back, except that an owner's events leave one
 *   request at a time, in order.
 * - What waits is at most one entry a task, the newest. A state that found no room in ten seconds is given up.
 * - Progress is not even stored before its turn. A task that has moved asks for one; an owner's tasks take turns, one
 *   in each window. The window is the budget's, and wider while the bus or the store is slow.
 * - A request carries up to ten events of any owners. One that is not full and has no outcome waits a moment for more
 *   where a request is under way, or where much has left just before.
 */

import { MAX_BATCH_EVENTS } from '../../core/limits.ts';
import { createLane, type Entry, type Lane, room, roomAt, SECOND_MS, spend, type Waiting } from './push-lane.ts';

export type { Entry } from './push-lane.ts';

/** Turns fall on a common beat, so that the steps of many owners share requests. */
const BEAT_MS = 50;
/** How long events other than outcomes wait at most for others to share their request, other things being equal. */
const LINGER_MS = 25;
/** While no more than this is sent, 50 events a second or 10 at once after a pause, nothing waits for others. */
const QUIET_EVENT_MS = 20;
const QUIET_BURST_MS = 10 * QUIET_EVENT_MS;
/** Under pressure the window grows up to this, or stays the budget's where that is wider: one step a second. */
const WIDEST_WINDOW_MS = 1_000;
/** How long a state is news. Whoever starts thousands of tasks at once sees the last of them when they run. */
const STALE_MS = 10_000;

/** An event on its way, with what `settle` and `putBack` need. */
export interface Loaded<E extends Entry> {
  readonly lane: Lane<E>;
  readonly entry: E;
}

/** A task that may take its step now. */
export interface Turn {
  readonly owner: string;
  readonly key: string;
}

export interface ScheduleOptions<E extends Entry> {
  /** Of one owner, outcomes apart. */
  readonly eventsPerSecond: number;
  /** A newer entry of the same task has taken its place. */
  readonly onMerged: (entry: E) => void;
  /** It was given up. */
  readonly onDropped: (entry: E) => void;
}

export class PushSchedule<E extends Entry> {
  readonly #options: ScheduleOptions<E>;
  /** Of every owner of whom something is known. */
  readonly #lanes = new Map<string, Lane<E>>();
  /** Those with entries that are not sending, in the order in which they are served. */
  readonly #serving = new Set<Lane<E>>();
  readonly #asking = new Set<Lane<E>>();
  #entries = 0;
  #outcomes = 0;
  #stretch = 1;
  #stretchedAt = Number.NEGATIVE_INFINITY;
  /** When `load` and `turns` have something to give, as far as is known. */
  #loadAt = Number.POSITIVE_INFINITY;
  #turnAt = Number.POSITIVE_INFINITY;
  /** When, at the quiet pace, all that was sent would have been; at most twice a burst ahead. */
  #quietAt = Number.NEGATIVE_INFINITY;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: ScheduleOptions<E>) {
    this.#options = options;
  }

  /** How many entries wait; those under way are not counted. */
  get size(): number {
    return this.#entries;
  }

  /** Of how many owners something is known. */
  get owners(): number {
    return this.#lanes.size;
  }

  /** What waits, by owner. */
  *entries(): IterableIterator<readonly [owner: string, entry: E]> {
    for (const lane of this.#lanes.values()) for (const { entry } of lane.waiting.values()) yield [lane.owner, entry];
  }

  /** Between two turns of one owner, in ms. */
  get window(): number {
    const budget = SECOND_MS / this.#options.eventsPerSecond;
    return Math.min(budget * this.#stretch, Math.max(budget, WIDEST_WINDOW_MS));
  }

  /** Whether so little was sent lately that nothing waits for others to share its request. */
  isQuiet(now: number): boolean {
    return this.#quietAt - now < QUIET_BURST_MS;
  }

  /** When to call `load` or `turns` again though nothing else happened; infinite for never. */
  nextAt(): { readonly load: number; readonly turn: number } {
    return { load: this.#loadAt, turn: this.#turnAt };
  }

  /** Lets an entry wait, unless a newer one of the same task does, or too many do already; returns whether it waits. */
  put(owner: string, entry: E, now: number, mostOutcomes: number): boolean {
    return this.#put(this.#lane(owner, now), { entry, since: now }, mostOutcomes);
  }

  /** Puts what could not be sent in front of what came meanwhile, so that events stay in order. */
  putBack(lane: Lane<E>, entries: readonly E[], now: number, mostOutcomes: number): void {
    const later = [...lane.waiting.values()];
    for (const { entry } of later) this.#remove(lane, entry);
    for (const entry of entries) this.#put(lane, { entry, since: now }, mostOutcomes);
    for (const waiting of later) this.#put(lane, waiting, mostOutcomes);
  }

  /** Gives up all that waits. Tasks that ask for a turn go on asking. */
  dropAll(): void {
    for (const lane of this.#lanes.values())
      for (const { entry } of [...lane.waiting.values()]) this.#drop(lane, entry);
    this.#serving.clear();
  }

  /** Takes out the next request: 1 to 10 events, or none while it is better to wait. */
  load(now: number, requestsUnderWay: number): Loaded<E>[] {
    const batch: Loaded<E>[] = [];
    let oldest = Number.POSITIVE_INFINITY;
    let isUrgent = false;
    this.#loadAt = Number.POSITIVE_INFINITY;
    for (const lane of this.#serving) {
      if (batch.length === MAX_BATCH_EVENTS) break;
      let left = room(lane, this.#options.eventsPerSecond, now);
      let outcomes = lane.waitingOutcomes;
      for (const { entry, since } of lane.waiting.values()) {
        if (batch.length === MAX_BATCH_EVENTS) break;
        if (entry.mustArrive) outcomes -= 1;
        else if (left === 0) {
          if (now - since >= STALE_MS) this.#drop(lane, entry);
          // Thousands may wait, and nothing of the rest can go.
          else if (outcomes === 0) break;
          continue;
        }
        left -= entry.mustArrive && left <= 1 ? 0 : 1;
        oldest = Math.min(oldest, since);
        isUrgent ||= entry.mustArrive;
        batch.push({ lane, entry });
      }
      if (left === 0) this.#loadAt = Math.min(this.#loadAt, roomAt(lane));
      if (lane.waiting.size === 0) this.#serving.delete(lane);
    }
    const isAlone = requestsUnderWay === 0 && this.isQuiet(now);
    const mayLinger = batch.length > 0 && batch.length < MAX_BATCH_EVENTS && !isUrgent && !isAlone;
    if (mayLinger && now < oldest + LINGER_MS) {
      this.#loadAt = Math.min(this.#loadAt, oldest + LINGER_MS);
      return [];
    }
    this.#quietAt = Math.min(Math.max(now, this.#quietAt) + batch.length * QUIET_EVENT_MS, now + 2 * QUIET_BURST_MS);
    for (const { lane, entry } of batch) {
      this.#remove(lane, entry);
      spend(lane, entry, this.#options.eventsPerSecond, now);
      lane.isSending = true;
      this.#serving.delete(lane);
    }
    return batch;
  }

  /** A request has ended, well or not: its owners' next events may leave. They go to the end of the line. */
  settle(batch: readonly Loaded<E>[]): void {
    for (const { lane } of batch) {
      lane.isSending = false;
      if (lane.waiting.size > 0) this.#serving.add(lane);
    }
  }

  /** A task has moved and wants to be stored and shown, not before `notBefore`. Asking again moves that time. */
  ask(owner: string, key: string, notBefore: number, now: number): void {
    const lane = this.#lane(owner, now);
    lane.asking.set(key, notBefore);
    this.#asking.add(lane);
    this.#turnAt = Math.min(this.#turnAt, this.#nextTurnOf(lane, notBefore, now));
  }

  /** A task wants no turn any more. */
  withdraw(owner: string, key: string): void {
    const lane = this.#lanes.get(owner);
    if (lane?.asking.delete(key) && lane.asking.size === 0) this.#asking.delete(lane);
  }

  /** Whose turn it is now. Each turn must be ended, whatever came of it. */
  turns(now: number): Turn[] {
    if (now < this.#turnAt) return [];
    this.#turnAt = Number.POSITIVE_INFINITY;
    const turns: Turn[] = [];
    for (const lane of this.#asking) {
      for (const [key, notBefore] of lane.asking) {
        const at = this.#nextTurnOf(lane, notBefore, now);
        if (at > now) {
          this.#turnAt = Math.min(this.#turnAt, at);
          continue;
        }
        lane.asking.delete(key);
        lane.turns += 1;
        lane.nextTurnAt = onBeat(now + this.window);
        turns.push({ owner: lane.owner, key });
      }
      if (lane.asking.size === 0) this.#asking.delete(lane);
    }
    return turns;
  }

  endTurn(owner: string): void {
    const lane = this.#lanes.get(owner);
    if (!lane) return;
    lane.turns -= 1;
    // Whoever waited for this turn to end may have theirs.
    if (lane.asking.size > 0) this.#turnAt = Number.NEGATIVE_INFINITY;
  }

  /** The bus or the store has answered after `took` ms, or failed: widens the window, or narrows it again. */
  answered(now: number, took: number, failed: boolean): void {
    const budget = SECOND_MS / this.#options.eventsPerSecond;
    if (failed || took > Math.min(budget, WIDEST_WINDOW_MS / 10)) {
      // Once a window: the answers of what was under way together are one sign and not many.
      if (now - this.#stretchedAt < this.window || this.window >= WIDEST_WINDOW_MS) return;
      this.#stretch *= 2;
      this.#stretchedAt = now;
    } else if (this.#stretch > 1 && now - this.#stretchedAt >= SECOND_MS) {
      this.#stretch /= 2;
      this.#stretchedAt = now;
    }
  }

  /** Forgets all that waits. */
  clear(): void {
    this.#lanes.clear();
    this.#serving.clear();
    this.#asking.clear();
    this.#entries = 0;
    this.#outcomes = 0;
  }

  #lane(owner: string, now: number): Lane<E> {
    const known = this.#lanes.get(owner);
    if (known) return known;
    this.#sweep(now);
    const lane = createLane<E>(owner);
    this.#lanes.set(owner, lane);
    return lane;
  }

  #put(lane: Lane<E>, { entry, since }: Waiting<E>, mostOutcomes: number): boolean {
    const before = lane.waiting.get(entry.key)?.entry;
    if (before && before.revision >= entry.revision) {
      this.#options.onMerged(entry);
      return false;
    }
    if (entry.mustArrive && !before?.mustArrive && this.#outcomes >= mostOutcomes) {
      // The store remembers it; a sweeper pushes it later. What it supersedes must not come after it.
      if (before) this.#drop(lane, before);
      this.#options.onDropped(entry);
      return false;
    }
    if (!before && !entry.mustArrive && lane.waiting.size >= this.#mostWaiting) {
      this.#options.onDropped(entry);
      return false;
    }
    if (before) this.#options.onMerged(before);
    else this.#entries += 1;
    if (entry.mustArrive && !before?.mustArrive) {
      this.#outcomes += 1;
      lane.waitingOutcomes += 1;
    }
    // An outcome takes its place at the end, so that outcomes come in the order in which they happened.
    if (before && entry.mustArrive) lane.waiting.delete(entry.key);
    lane.waiting.set(entry.key, { entry, since });
    if (!lane.isSending) this.#serving.add(lane);
    return true;
  }

  /** Behind as many, a state would be given up before it is its turn; so it is at once. */
  get #mostWaiting(): number {
    return (this.#options.eventsPerSecond * STALE_MS) / SECOND_MS;
  }

  #remove(lane: Lane<E>, entry: E): void {
    lane.waiting.delete(entry.key);
    this.#entries -= 1;
    if (!entry.mustArrive) return;
    this.#outcomes -= 1;
    lane.waitingOutcomes -= 1;
  }

  #drop(lane: Lane<E>, entry: E): void {
    this.#remove(lane, entry);
    this.#options.onDropped(entry);
  }

  #nextTurnOf(lane: Lane<E>, notBefore: number, now: number): number {
    const hasRoom = room(lane, this.#options.eventsPerSecond, now) > lane.turns;
    return Math.max(notBefore, lane.nextTurnAt, hasRoom ? Number.NEGATIVE_INFINITY : roomAt(lane));
  }

  /** Forgets, once a second, the owners of whom there is nothing left to know. */
  #sweep(now: number): void {
    if (now - this.#sweptAt < SECOND_MS) return;
    this.#sweptAt = now;
    for (const [owner, lane] of this.#lanes) {
      const isBusy = lane.isSending || lane.turns > 0 || lane.waiting.size > 0 || lane.asking.size > 0;
      if (
        !isBusy &&
        lane.nextTurnAt <= now &&
        room(lane, this.#options.eventsPerSecond, now) === this.#options.eventsPerSecond
      ) {
        this.#lanes.delete(owner);
      }
    }
  }
}

/** The beat at or before `at`. The budget is kept all the same: it counts. */
function onBeat(at: number): number {
  return Math.floor(at / BEAT_MS) * BEAT_MS;
}
