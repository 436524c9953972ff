/**
 * Pushes snapshots to their owners' channels. It serves server and worker, which change tasks.
 *
 * Three pure parts decide. The budget says how many messages an owner gets. The outbox says which events leave next. The
 * pacer says when a task may take its next step. This file has the timers and the requests. It handles outages of the bus
 * and counts what became of each event.
 *
 * A failed request is repeated for 2 s. Then its events are dropped, and so are all new events until the bus is back. A
 * probe (a request with an event for nobody) finds out when that is.
 *
 * Dropping events loses nothing: clients fetch, and the store lists each outcome until it was pushed. Once the bus is back,
 * the sweeper of one process pushes those (recovery/sweeper.ts). So an outage makes pages late, but does not fill the memory.
 */

import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { SeenEvent } from '../../core/wire.ts';
import { runOutside } from '../async.ts';
import type { Emitter } from '../events/events.ts';
import { Outage } from '../events/outage.ts';
import { Budget } from './budget.ts';
import { type Bus, BusError, MAX_REQUESTS } from './bus/bus.ts';
import { BusOutage } from './bus/bus-outage.ts';
import { EarliestTimer } from './earliest-timer.ts';
import { type DropReason, Outbox, type Outgoing } from './outbox.ts';
import { Pacer } from './pacer.ts';
import {
  dismissedEvents,
  type EventFate,
  type EventKind,
  PROBE,
  type PushEvent,
  seenEvents,
  sessionEvent,
  snapshotEvent,
  taskOf,
  toBusEvent,
  zeroCounts,
} from './push-events.ts';
import { type Turn, type TurnOptions, TurnWaiters } from './turn-waiters.ts';

/** Bounds memory while the bus is slow: 10,000 outcomes of at most 10 KB each are 100 MB. */
const MAX_WAITING_OUTCOMES = 10_000;

export interface PublisherOptions {
  readonly bus: Pick<Bus, 'send' | 'isEncrypted'>;
  readonly events: Emitter;
  /** Called with the ids of tasks whose creation or outcome needs no further push: the bus took it, or will never take it. */
  readonly onSettled: (ids: readonly string[]) => void;
  /**
   * How many events a second one owner gets from all workers together. Outcomes are not held back. A whole number, at least 1.
   */
  readonly eventsPerSecond: number;
  /** A number from 0 to below 1 that spreads retries. For tests. Default: Math.random. */
  readonly random?: () => number;
}

/** Counts since the process started. */
export interface PublisherCounts {
  /** Requests to the bus, and how many of them failed. */
  requests: number;
  failures: number;
  /** Bytes of data in the events that the bus took, as sent. */
  bytes: number;
  /** Events, by what they tell and what became of them. */
  readonly events: Record<EventKind, Record<EventFate, number>>;
}

export class Publisher {
  readonly counts: PublisherCounts = { requests: 0, failures: 0, bytes: 0, events: zeroCounts() };
  readonly #options: PublisherOptions;
  readonly #outage: BusOutage;
  /** Tells the operator of an outage, once when it begins and once when it is over. */
  readonly #outageNews: Outage;
  readonly #budget: Budget;
  readonly #outbox: Outbox<PushEvent>;
  readonly #pacer: Pacer;
  readonly #turnWaiters: TurnWaiters;
  /** Sends what the outbox held back, even if no event is added meanwhile. */
  readonly #timer = new EarliestTimer(() => this.#sendDue());
  #requestsUnderWay = 0;
  #probing: Promise<void> | null = null;
  /** Runs after a failed request. Nothing is sent before it fires. */
  #backoff: NodeJS.Timeout | null = null;
  #isSendingScheduled = false;
  /** Numbers the events that are about several tasks, since each needs a key of its own. */
  #eventNumber = 0;
  #onIdle: (() => void)[] = [];
  #isClosed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#outage = new BusOutage(options.random);
    const { events } = options;
    this.#outageNews = new Outage({
      began: (news) => events.emit('push.outage.began', () => news),
      ended: (news) => events.emit('push.outage.ended', () => news),
    });
    this.#budget = new Budget(options.eventsPerSecond);
    this.#pacer = new Pacer(this.#budget);
    this.#turnWaiters = new TurnWaiters(this.#pacer);
    this.#outbox = new Outbox({
      budget: this.#budget,
      maxUrgent: MAX_WAITING_OUTCOMES,
      onMerged: (event) => this.#noteMerged(event),
      onDropped: (event, why) => this.#noteDropped(event, why),
    });
  }

  /** Whether the last request failed and the bus has taken none since. */
  get isDown(): boolean {
    return this.#outage.isOn;
  }

  /** Whether the bus took a request within the last `ms`, and refused none since. Infinity: whether it ever took one. */
  hasSentWithin(ms: number): boolean {
    return this.#outage.isKnownUp(performance.now(), ms);
  }

  /**
   * Sends an event for nobody, to find out whether the bus takes events. While the bus is down nothing is sent, since the
   * publisher asks by itself then. Takes at most 5 s. Never rejects.
   * @returns whether the bus takes events
   */
  async probe(): Promise<boolean> {
    if (!this.isDown) {
      this.#probing ??= runOutside(() => this.#send([])).finally(() => {
        this.#probing = null;
      });
      await this.#probing;
    }
    return !this.isDown;
  }

  /** How much waits now; `bytes` is its size as JSON. Slow: it looks at every event. For tests and for looking at memory. */
  get waiting(): { readonly owners: number; readonly events: number; readonly bytes: number } {
    const waiting = [...this.#outbox.waiting()];
    const sizes = waiting.map(({ event: { content } }) =>
      Buffer.byteLength(typeof content === 'string' ? content : JSON.stringify(content)),
    );
    return {
      owners: new Set(waiting.map(({ owner }) => owner)).size,
      events: waiting.length,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
    };
  }

  /**
   * Pushes a snapshot as soon as its owner's budget allows, unless a newer one of the same task comes first. Never throws.
   * @param trace of the task (events/tracing.ts)
   */
  publish(owner: string, snapshot: Snapshot, trace?: string): void {
    const { bus, events } = this.#options;
    this.#add(owner, snapshotEvent(snapshot, bus.isEncrypted, events.tracing?.push({ snapshot, trace })));
  }

  /** `workers` processes, this one included, run tasks of this owner, so each sends its part of what the owner may get. */
  share(owner: string, workers: number): void {
    this.#budget.share(owner, workers, performance.now());
  }

  /** Tells the owner's other tabs and devices that outcomes were seen, in as many events as it takes. Never throws. */
  publishSeen(owner: string, seen: SeenEvent): void {
    for (const event of seenEvents(seen, () => ++this.#eventNumber)) this.#add(owner, event);
  }

  /** Tells the owner's other tabs and devices that tasks were removed, in as many events as it takes. Never throws. */
  publishDismissed(owner: string, ids: readonly string[]): void {
    for (const event of dismissedEvents(ids, () => ++this.#eventNumber)) this.#add(owner, event);
  }

  /** Tells the owner's pages that a session has ended, so that they ask again who is signed in. Never throws. */
  publishSessionEnd(owner: string): void {
    this.#add(owner, sessionEvent());
  }

  /**
   * Resolves when a task may store its next step and publish it, as its owner's budget allows. Turns are given while the
   * bus is down, too, since pages fetch what is stored. Resolves with null once the signal aborts, or after `close`. Never rejects.
   * @param key names the waiter, uniquely. A second wait with the same key ends the first with null.
   */
  takeTurn(owner: string, key: string, options: TurnOptions): Promise<Turn | null> {
    return this.#turnWaiters.waitForTurn(owner, key, options);
  }

  /** Resolves when nothing waits any more, or after `limit` ms. */
  async drain(limit: number): Promise<void> {
    if (this.#isIdle()) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limit);
      this.#onIdle.push(resolve);
    });
    clearTimeout(timer);
  }

  /** Drops all waiting events, and ends every wait for a turn. After that nothing is sent. */
  close(): void {
    this.#isClosed = true;
    if (this.#backoff) clearTimeout(this.#backoff);
    this.#timer.stop();
    this.#outbox.dropAll('closed');
    this.#turnWaiters.close();
  }

  #add(owner: string, event: PushEvent): void {
    if (this.#isClosed) return;
    const now = performance.now();
    if (this.#outage.isTooLong(now)) {
      this.#noteDropped(event, 'outage');
      return;
    }
    if (!this.#outbox.add(owner, event, now)) return;
    // While there is little traffic, an outcome does not wait for other events to share its request.
    if (event.isUrgent && this.#requestsUnderWay === 0 && this.#outbox.hasLowTraffic(now)) this.#sendDue();
    else this.#sendDueAfterThisTick();
  }

  /** The events that are added in one tick share a request. */
  #sendDueAfterThisTick(): void {
    if (this.#isSendingScheduled) return;
    this.#isSendingScheduled = true;
    setImmediate(() => {
      this.#isSendingScheduled = false;
      this.#sendDue();
    });
  }

  /** Sends what is due, and sets the timer for what is due next. */
  #sendDue(): void {
    if (this.#isClosed) return;
    while (this.#maySend) {
      const batch = this.#outbox.takeBatch(performance.now(), this.#requestsUnderWay);
      if (batch.length === 0) break;
      // A request carries events of many tasks, so it belongs to the trace of none.
      void runOutside(() => this.#send(batch));
    }
    // If nothing may be sent now, this is called again when a request or the backoff ends.
    if (this.#maySend) this.#timer.schedule(this.#outbox.nextBatchAt);
  }

  /** While the bus is down, only one request is under way at a time. */
  get #maySend(): boolean {
    return this.#backoff === null && this.#requestsUnderWay < (this.isDown ? 1 : MAX_REQUESTS);
  }

  /** Sends a batch; an empty one is a probe, which asks whether the bus takes events. */
  async #send(batch: readonly Outgoing<PushEvent>[]): Promise<void> {
    this.#requestsUnderWay += 1;
    const unsent = new Set(batch);
    const sentAt = performance.now();
    try {
      if (batch.length === 0) await this.#probe();
      else await this.#trySend(batch, unsent);
      if (this.#outage.succeeded(sentAt, performance.now())) this.#outageNews.succeeded();
    } catch (error) {
      this.#handleFailure(unsent, error, sentAt);
    }
    const now = performance.now();
    this.#pacer.noteAnswer(now - sentAt, this.isDown, now);
    this.#outbox.finish(batch);
    this.#requestsUnderWay -= 1;
    if (this.#isIdle()) for (const resolve of this.#onIdle.splice(0)) resolve();
    else this.#sendDueAfterThisTick();
  }

  async #probe(): Promise<void> {
    this.counts.requests += 1;
    try {
      await this.#options.bus.send([PROBE]);
    } catch (error) {
      // An error that is about the probe itself still shows that the bus reads requests.
      if (!(error instanceof BusError) || error.retryable) throw error;
    }
  }

  /** Takes out of `unsent` what the bus took or will never take. */
  async #trySend(batch: readonly Outgoing<PushEvent>[], unsent: Set<Outgoing<PushEvent>>): Promise<void> {
    const { bus } = this.#options;
    this.counts.requests += 1;
    try {
      const events = batch.map(({ owner, event }) => toBusEvent(owner, event, bus.isEncrypted));
      await bus.send(events);
      for (const { data } of events) this.counts.bytes += Buffer.byteLength(data);
    } catch (error) {
      if (error instanceof BusError && error.retryable) throw error;
      if (batch.length > 1) {
        // One event that the bus will never take must not hold up the others.
        for (const outgoing of batch) await this.#trySend([outgoing], unsent);
        return;
      }
      const reason = error instanceof Error ? error.message : 'unknown';
      this.#options.events.emit('push.event.refused', () => ({ task: batch[0]?.event.key, reason }));
      this.#settle(batch, unsent, 'dropped');
      return;
    }
    this.#settle(batch, unsent, 'sent');
  }

  /** Counts events that were sent or dropped for good, and passes ids of new tasks and outcomes to `onSettled`. */
  #settle(batch: readonly Outgoing<PushEvent>[], unsent: Set<Outgoing<PushEvent>>, fate: 'sent' | 'dropped'): void {
    for (const outgoing of batch) {
      unsent.delete(outgoing);
      if (fate === 'dropped') this.#noteDropped(outgoing.event, 'refused');
      else {
        this.#count(outgoing.event, fate);
        outgoing.event.span?.sent();
      }
    }
    const settled = batch.flatMap(({ event }) =>
      event.kind === 'outcome' || event.kind === 'queued' ? [event.key] : [],
    );
    if (settled.length > 0) this.#options.onSettled(settled);
  }

  /** Starts the backoff. Events that were not sent wait for the next try, or are dropped in a long outage. */
  #handleFailure(unsent: ReadonlySet<Outgoing<PushEvent>>, error: unknown, sentAt: number): void {
    const now = performance.now();
    this.counts.failures += 1;
    this.#outageNews.failed(error instanceof Error ? error.message : 'unknown');
    this.#outage.failed(error, sentAt, now);
    if (this.#isClosed) return;
    if (this.#backoff) clearTimeout(this.#backoff);
    this.#backoff = setTimeout(() => this.#tryAgain(), Math.ceil(this.#outage.retryAt - now));
    if (this.#outage.isTooLong(now)) {
      for (const { event } of unsent) this.#noteDropped(event, 'outage');
      this.#outbox.dropAll('outage');
    } else this.#outbox.putBack(unsent, now);
  }

  /** Sends what waits. If nothing waits, a probe finds out whether the bus is back. */
  #tryAgain(): void {
    this.#backoff = null;
    this.#sendDue();
    if (this.isDown && this.#requestsUnderWay === 0 && !this.#isClosed) void this.#send([]);
  }

  #noteMerged(event: PushEvent): void {
    this.#count(event, 'merged');
    this.#options.events.emit('push.event.merged', () => ({ kind: event.kind, task: taskOf(event) }));
  }

  #noteDropped(event: PushEvent, why: DropReason | 'refused'): void {
    this.#count(event, 'dropped');
    event.span?.dropped(why);
    this.#options.events.emit('push.event.dropped', () => ({ kind: event.kind, task: taskOf(event), why }));
  }

  #count(event: PushEvent, fate: EventFate): void {
    this.counts.events[event.kind][fate] += 1;
  }

  #isIdle(): boolean {
    return this.#requestsUnderWay === 0 && this.#outbox.size === 0;
  }
}
