/**
 * Holds the events that wait to be sent, and picks those of the next request. It serves the publisher. Pure: it has no
 * timers and no I/O; time goes in, in ms of a clock that never goes back.
 *
 * - At most one event of a task waits, the newest.
 * - An urgent event (an outcome, or the end of a session) leaves with the next request. Any other leaves when its owner's
 *   budget allows.
 * - An owner's events leave in order, one request at a time.
 * - A request carries up to 10 events of any owners. One that is not full waits up to 25 ms for more events, unless one
 *   of its events is urgent or there is little traffic.
 * - An event that the budget has held back for 10 s is dropped.
 */

import { MAX_BATCH_EVENTS } from '../../core/limits.ts';
import type { Budget } from './budget.ts';
import { TrafficMeter } from './traffic-meter.ts';

/** How long a request that is not full waits for more events, counted from its oldest event. */
const BATCH_WAIT_MS = 25;
/**
 * An event that is not urgent is dropped after waiting this long. Example: an owner starts 1,000 tasks at once. At 10 events
 * a second, about 100 of them are shown as queued within 10 s. The others are shown once they run.
 */
const STALE_MS = 10_000;

/** What the outbox has to know of an event. */
export interface OutboxEvent {
  /** The task's id. An event that does not belong to a task has a key of its own. */
  readonly key: string;
  /** Of two events with one key, the one with the higher revision is the newer one. */
  readonly revision: number;
  /** Leaves at once, and is never dropped for its age: outcomes, and the end of a session. */
  readonly isUrgent: boolean;
}

/** An event that is part of a request. */
export interface Outgoing<E extends OutboxEvent> {
  readonly owner: string;
  readonly event: E;
}

/**
 * Why an event will not be sent: the budget held it back for 10 s, too much waits already, the bus has been away for too
 * long, or the process ends.
 */
export type DropReason = 'stale' | 'full' | 'outage' | 'closed';

export interface OutboxOptions<E extends OutboxEvent> {
  readonly budget: Budget;
  /** How many urgent events may wait, of all owners together; more are dropped. */
  readonly maxUrgent: number;
  /** A newer event of the same task takes the place of this one. */
  readonly onMerged: (event: E) => void;
  /** This one will not be sent. */
  readonly onDropped: (event: E, why: DropReason) => void;
}

interface Waiting<E> {
  readonly event: E;
  readonly since: number;
}

/** The events of one owner. */
interface Queue<E> {
  readonly owner: string;
  /** By their keys, in the order in which they leave. */
  readonly waiting: Map<string, Waiting<E>>;
  /** How many of them are urgent. */
  urgent: number;
  /** Whether a request with events of this owner is under way. */
  isSending: boolean;
}

interface Picked<E> {
  readonly queue: Queue<E>;
  readonly waiting: Waiting<E>;
}

export class Outbox<E extends OutboxEvent> {
  readonly #options: OutboxOptions<E>;
  /** Of owners with events that wait or are under way. */
  readonly #queues = new Map<string, Queue<E>>();
  /** Queues that have events and no request under way, in the order in which they are served. */
  readonly #ready = new Set<Queue<E>>();
  readonly #traffic = new TrafficMeter();
  #size = 0;
  #urgent = 0;
  #nextBatchAt = Number.POSITIVE_INFINITY;

  constructor(options: OutboxOptions<E>) {
    this.#options = options;
  }

  /** How many events wait. Those of requests under way are not counted. */
  get size(): number {
    return this.#size;
  }

  /** How many owners have events here, waiting or under way. */
  get owners(): number {
    return this.#queues.size;
  }

  /** When to call {@link takeBatch} again if no event is added before; Infinity if there is no need to. */
  get nextBatchAt(): number {
    return this.#nextBatchAt;
  }

  /** All events that wait. */
  *waiting(): IterableIterator<Outgoing<E>> {
    for (const { owner, waiting } of this.#queues.values())
      for (const { event } of waiting.values()) yield { owner, event };
  }

  /** Whether little was sent lately. Then a request does not wait for more events. */
  hasLowTraffic(now: number): boolean {
    return this.#traffic.isLow(now);
  }

  /** Adds an event. Returns false if it was not added: a newer event of its task waits already, or the outbox is full. */
  add(owner: string, event: E, now: number): boolean {
    const queue = this.#queueOf(owner);
    const isAdded = this.#add(queue, { event, since: now });
    this.#forgetIfEmpty(queue);
    return isAdded;
  }

  /**
   * Takes out the events of the next request: 1 to 10, or none while it is better to wait for more. No other request has
   * events of the same owners until {@link finish} is called with the batch.
   * @param requestsUnderWay how many requests were sent and not answered yet
   */
  takeBatch(now: number, requestsUnderWay: number): Outgoing<E>[] {
    this.#nextBatchAt = Number.POSITIVE_INFINITY;
    const picked = this.#pick(now);
    const isFull = picked.length === MAX_BATCH_EVENTS;
    const hasUrgent = picked.some(({ waiting }) => waiting.event.isUrgent);
    const needNotWait = requestsUnderWay === 0 && this.hasLowTraffic(now);
    // Infinity if nothing was picked. Then there is nothing to wait for, either.
    const oldest = Math.min(...picked.map(({ waiting }) => waiting.since));
    if (!isFull && !hasUrgent && !needNotWait && now < oldest + BATCH_WAIT_MS) {
      this.#nextBatchAt = Math.min(this.#nextBatchAt, oldest + BATCH_WAIT_MS);
      return [];
    }
    this.#traffic.count(picked.length, now);
    return picked.map(({ queue, waiting: { event } }) => {
      this.#remove(queue, event);
      this.#options.budget.spend(queue.owner, event.isUrgent, now);
      queue.isSending = true;
      this.#ready.delete(queue);
      return { owner: queue.owner, event };
    });
  }

  /**
   * Puts the events of a failed request back, in front of those that were added meanwhile, so that the order stays.
   * They count as new: the time that they have waited starts again.
   */
  putBack(unsent: Iterable<Outgoing<E>>, now: number): void {
    const byOwner = new Map<string, E[]>();
    for (const { owner, event } of unsent) byOwner.set(owner, [...(byOwner.get(owner) ?? []), event]);
    for (const [owner, events] of byOwner) {
      const queue = this.#queueOf(owner);
      const later = [...queue.waiting.values()];
      for (const { event } of later) this.#remove(queue, event);
      for (const event of events) this.#add(queue, { event, since: now });
      for (const waiting of later) this.#add(queue, waiting);
      this.#forgetIfEmpty(queue);
    }
  }

  /** The request with these events has succeeded or failed. Their owners are served again, after all other owners. */
  finish(batch: readonly Outgoing<E>[]): void {
    for (const { owner } of batch) {
      const queue = this.#queues.get(owner);
      if (!queue) continue;
      queue.isSending = false;
      if (queue.waiting.size > 0) this.#ready.add(queue);
      else this.#forgetIfEmpty(queue);
    }
  }

  /** Drops all waiting events. */
  dropAll(why: DropReason): void {
    for (const queue of this.#queues.values()) {
      for (const { event } of [...queue.waiting.values()]) this.#drop(queue, event, why);
      this.#forgetIfEmpty(queue);
    }
  }

  /** Up to 10 events that may leave now. Drops those that are too old. */
  #pick(now: number): Picked<E>[] {
    const picked: Picked<E>[] = [];
    for (const queue of this.#ready) {
      if (picked.length === MAX_BATCH_EVENTS) break;
      this.#pickFrom(queue, picked, now);
      this.#forgetIfEmpty(queue);
    }
    return picked;
  }

  #pickFrom(queue: Queue<E>, picked: Picked<E>[], now: number): void {
    const { budget } = this.#options;
    let left = budget.left(queue.owner, now);
    let urgentToCome = queue.urgent;
    for (const waiting of queue.waiting.values()) {
      if (picked.length === MAX_BATCH_EVENTS) break;
      const { event, since } = waiting;
      if (event.isUrgent) urgentToCome -= 1;
      else if (left === 0) {
        if (now - since >= STALE_MS) this.#drop(queue, event, 'stale');
        // No later event is urgent, so none can leave now. There may be hundreds: do not look at each.
        else if (urgentToCome === 0) break;
        continue;
      }
      // The same rule as in Budget: urgent events never use up the last message of a second.
      if (!event.isUrgent || left > 1) left -= 1;
      picked.push({ queue, waiting });
    }
    if (left === 0) this.#nextBatchAt = Math.min(this.#nextBatchAt, budget.nextAt(queue.owner, now));
  }

  #queueOf(owner: string): Queue<E> {
    const known = this.#queues.get(owner);
    if (known) return known;
    const queue: Queue<E> = { owner, waiting: new Map(), urgent: 0, isSending: false };
    this.#queues.set(owner, queue);
    return queue;
  }

  #forgetIfEmpty(queue: Queue<E>): void {
    if (queue.waiting.size > 0) return;
    this.#ready.delete(queue);
    if (!queue.isSending) this.#queues.delete(queue.owner);
  }

  #add(queue: Queue<E>, waiting: Waiting<E>): boolean {
    const { event } = waiting;
    const before = queue.waiting.get(event.key)?.event;
    if (before && before.revision >= event.revision) {
      this.#options.onMerged(event);
      return false;
    }
    if (!this.#hasSpace(queue, event, before)) {
      // The store keeps a dropped outcome, and the sweeper publishes it later. An older event of its task is dropped too.
      if (before) this.#drop(queue, before, 'full');
      this.#options.onDropped(event, 'full');
      return false;
    }
    if (before) {
      this.#options.onMerged(before);
      this.#count(queue, before, -1);
    }
    this.#count(queue, event, 1);
    // A newer event takes the place of the older one in the queue. If it went to the end, a task that changes often would
    // never be sent. An outcome does go to the end, so that outcomes leave in the order in which they happened.
    if (before && event.isUrgent) queue.waiting.delete(event.key);
    queue.waiting.set(event.key, waiting);
    if (!queue.isSending) this.#ready.add(queue);
    return true;
  }

  #hasSpace(queue: Queue<E>, event: E, before: E | undefined): boolean {
    if (event.isUrgent) return before?.isUrgent === true || this.#urgent < this.#options.maxUrgent;
    // At 10 events a second, a queue of 100 takes 10 s to leave. One more would be stale before its turn.
    return before !== undefined || queue.waiting.size < (this.#options.budget.perSecond * STALE_MS) / 1_000;
  }

  #remove(queue: Queue<E>, event: E): void {
    queue.waiting.delete(event.key);
    this.#count(queue, event, -1);
  }

  #drop(queue: Queue<E>, event: E, why: DropReason): void {
    this.#remove(queue, event);
    this.#options.onDropped(event, why);
  }

  #count(queue: Queue<E>, event: E, by: 1 | -1): void {
    this.#size += by;
    if (!event.isUrgent) return;
    this.#urgent += by;
    queue.urgent += by;
  }
}
