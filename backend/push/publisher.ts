/**
 * Pushes snapshots to their owners' channels. It serves whoever changed a task: server and worker.
 *
 * What leaves when is the schedule's business (push-schedule.ts): outcomes at once, everything else within the owner's
 * budget. Here is what it takes to carry that out: timers, requests, and what becomes of them.
 *
 * After a fault, what waits is tried again for 2 s. Then it is given up: clients fetch, and each outcome is remembered
 * by the store until it was pushed (`unpublished`), from where one process at a time pushes it once the bus is back
 * (sweeper.ts). To hold outcomes here as well would push them twice. That the bus is back is found out by asking it,
 * whether or not there is anything to send. So a slow or absent bus costs freshness and not memory.
 */

import type { Snapshot } from '../../core/snapshot.ts';
import type { SeenEvent } from '../../core/wire.ts';
import { type Log, Outage } from '../log.ts';
import { type Bus, BusError, MAX_REQUESTS } from './bus.ts';
import { BusOutage } from './bus-outage.ts';
import {
  type EventFate,
  type EventKind,
  noEvents,
  PROBE,
  type PushEvent,
  seenEvents,
  sessionEvent,
  snapshotEvent,
  toBusEvent,
} from './push-events.ts';
import { type Loaded, PushSchedule } from './push-schedule.ts';

/** Bounds memory while the bus is slow: 10,000 outcomes of at most 10 KB each. */
const MAX_WAITING_OUTCOMES = 10_000;

export interface PublisherOptions {
  readonly bus: Pick<Bus, 'send' | 'isEncrypted'>;
  readonly log: Log;
  /** Outcomes that were pushed, or that the bus will never take. */
  readonly onSettled: (ids: readonly string[]) => void;
  /** How many events a second one owner gets, outcomes apart. */
  readonly eventsPerSecond: number;
  /** For tests. */
  readonly random?: () => number;
}

/** The right to store one step of a task and publish it. */
export interface Turn {
  /**
   * Must be called once the step is stored, or given up. The time until then says how fast the store is: while it is
   * slow, turns come less often.
   */
  end(): void;
}

/** Counts since the process started. */
export interface PublisherCounts {
  requests: number;
  failures: number;
  readonly events: Record<EventKind, Record<EventFate, number>>;
}

export class Publisher {
  readonly counts: PublisherCounts = { requests: 0, failures: 0, events: noEvents() };
  readonly #options: PublisherOptions;
  readonly #outage: BusOutage;
  /** The same, for the operator. */
  readonly #said: Outage;
  readonly #schedule: PushSchedule<PushEvent>;
  /** What those who have asked for a turn do with it, by their keys. */
  readonly #steps = new Map<string, () => Promise<void>>();
  #requests = 0;
  #checking: Promise<void> | null = null;
  #pause: NodeJS.Timeout | null = null;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #isScheduled = false;
  #seenEvents = 0;
  #onIdle: (() => void)[] = [];
  #closed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#outage = new BusOutage(options.random);
    this.#said = new Outage(options.log, 'The bus');
    this.#schedule = new PushSchedule({
      eventsPerSecond: options.eventsPerSecond,
      onMerged: (event) => this.#count(event, 'merged'),
      onDropped: (event) => this.#count(event, 'dropped'),
    });
  }

  /** Whether the last request failed and the bus has taken none since. */
  get isDown(): boolean {
    return this.#outage.isOn;
  }

  /** Whether the bus takes events, by the last one sent; asks at most once a minute. Takes at most 5 s. Never rejects. */
  async check(): Promise<boolean> {
    if (!this.isDown && !this.#outage.isProvenUp(performance.now())) {
      this.#checking ??= this.#send([]).finally(() => {
        this.#checking = null;
      });
      await this.#checking;
    }
    return !this.isDown;
  }

  /** How much waits now; `bytes` is its size as JSON. Walks over all of it. */
  get waiting(): { readonly owners: number; readonly events: number; readonly bytes: number } {
    const entries = [...this.#schedule.entries()];
    const sizes = entries.map(([, { content }]) =>
      Buffer.byteLength(typeof content === 'string' ? content : JSON.stringify(content)),
    );
    return {
      owners: new Set(entries.map(([owner]) => owner)).size,
      events: entries.length,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
    };
  }

  /** Pushes a snapshot as soon as its owner's budget allows, unless a newer one of the same task comes first. Never throws. */
  publish(owner: string, snapshot: Snapshot): void {
    this.#enqueue(owner, snapshotEvent(snapshot, this.#options.bus.isEncrypted));
  }

  /** Tells the owner's other tabs and devices that outcomes were seen, in as many events as it takes. Never throws. */
  publishSeen(owner: string, seen: SeenEvent): void {
    for (const event of seenEvents(seen, () => ++this.#seenEvents)) this.#enqueue(owner, event);
  }

  /** Tells the owner's pages to ask anew who is signed in. Never throws. */
  publishSessionEnd(owner: string): void {
    this.#enqueue(owner, sessionEvent());
  }

  /**
   * Resolves when the task may store its next step and publish it, as its owner's budget allows; also while the bus is
   * away. Null once `signal` aborts. Never rejects.
   * @param key of the one who waits, among all; nobody waits twice under one key
   * @param options.after ms from now, before which the turn is not wanted
   */
  takeTurn(
    owner: string,
    key: string,
    { after, signal }: { readonly after: number; readonly signal: AbortSignal },
  ): Promise<Turn | null> {
    return new Promise((resolve) => {
      if (this.#closed || signal.aborted) return resolve(null);
      const abort = () => {
        this.withdraw(owner, key);
        resolve(null);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.askForTurn(
        owner,
        key,
        after,
        () =>
          new Promise<void>((end) => {
            signal.removeEventListener('abort', abort);
            resolve({ end });
          }),
      );
    });
  }

  /**
   * Calls `step`, which stores how far a task is and publishes it, when it is the task's turn: not within the next `ms`,
   * then as its owner's budget allows. Once for each time it is asked for; also while the bus is away.
   * `step` must not reject.
   * @param key of the one who asks, among all; asking again under it takes the place of what was asked before
   */
  askForTurn(owner: string, key: string, ms: number, step: () => Promise<void>): void {
    if (this.#closed) return;
    this.#steps.set(key, step);
    const now = performance.now();
    this.#schedule.ask(owner, key, now + ms, now);
    this.#wake();
  }

  /** Whoever asked under `key` has no use for a turn any more. */
  withdraw(owner: string, key: string): void {
    this.#schedule.withdraw(owner, key);
    this.#steps.delete(key);
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

  /** Sends nothing more. */
  close(): void {
    this.#closed = true;
    for (const timer of [this.#pause, this.#timer]) if (timer) clearTimeout(timer);
    this.#schedule.clear();
    this.#steps.clear();
  }

  #enqueue(owner: string, event: PushEvent): void {
    if (this.#closed) return;
    const now = performance.now();
    if (this.#outage.hasLastedTooLong(now)) {
      this.#count(event, 'dropped');
      return;
    }
    if (!this.#schedule.put(owner, event, now, MAX_WAITING_OUTCOMES)) return;
    // An outcome while nothing else is going on has nobody to share a request with.
    if (event.mustArrive && this.#requests === 0 && this.#schedule.isQuiet(now)) this.#pump();
    else this.#wakeAfterThisTick();
  }

  /** What changes in one tick leaves in one request. */
  #wakeAfterThisTick(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  /** Does what the schedule says is due, and comes back when more is. */
  #pump(): void {
    if (this.#closed) return;
    while (this.#maySend) {
      const batch = this.#schedule.load(performance.now(), this.#requests);
      if (batch.length === 0) break;
      void this.#send(batch);
    }
    // Turns go on while the bus is away: what is stored serves those who ask.
    for (const { owner, key } of this.#schedule.turns(performance.now())) void this.#giveTurn(owner, key);
    this.#wake();
  }

  /** While the bus is down one request at a time, after each pause, finds out whether it is back. */
  get #maySend(): boolean {
    return this.#pause === null && this.#requests < (this.isDown ? 1 : MAX_REQUESTS);
  }

  /** Sees to it that the next thing that falls due is done in time. */
  #wake(): void {
    const { load, turn } = this.#schedule.nextAt();
    const at = Math.min(turn, this.#maySend ? load : Number.POSITIVE_INFINITY);
    if (at >= this.#timerAt) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.#pump();
      },
      Math.max(Math.ceil(at - performance.now()), 0),
    );
  }

  async #giveTurn(owner: string, key: string): Promise<void> {
    const step = this.#steps.get(key);
    this.#steps.delete(key);
    const began = performance.now();
    await step?.();
    const now = performance.now();
    this.#schedule.answered(now, now - began, false);
    this.#schedule.endTurn(owner);
    this.#wake();
  }

  /** Sends a batch, or with an empty one asks whether the bus takes any. */
  async #send(batch: readonly Loaded<PushEvent>[]): Promise<void> {
    this.#requests += 1;
    const unsent = new Set(batch);
    const began = performance.now();
    try {
      if (batch.length === 0) await this.#probe();
      else await this.#trySend(batch, unsent);
      if (this.#outage.succeeded(began, performance.now())) this.#said.succeeded();
    } catch (error) {
      this.#failed(unsent, error, began);
    }
    const now = performance.now();
    this.#schedule.answered(now, now - began, this.isDown);
    this.#schedule.settle(batch);
    this.#requests -= 1;
    if (this.#isIdle()) for (const resolve of this.#onIdle.splice(0)) resolve();
    else this.#wakeAfterThisTick();
  }

  async #probe(): Promise<void> {
    this.counts.requests += 1;
    try {
      await this.#options.bus.send([PROBE]);
    } catch (error) {
      // A bus that will not take this very event has said that it takes others.
      if (!(error instanceof BusError) || error.retryable) throw error;
    }
  }

  /** Takes out of `unsent` what the bus took or will never take. */
  async #trySend(batch: readonly Loaded<PushEvent>[], unsent: Set<Loaded<PushEvent>>): Promise<void> {
    const { bus } = this.#options;
    this.counts.requests += 1;
    try {
      await bus.send(batch.map(({ lane, entry }) => toBusEvent(lane.owner, entry, bus.isEncrypted)));
    } catch (error) {
      if (error instanceof BusError && error.retryable) throw error;
      if (batch.length > 1) {
        // One event that the bus will never take must not hold up the others.
        for (const loaded of batch) await this.#trySend([loaded], unsent);
        return;
      }
      const reason = error instanceof Error ? error.message : 'unknown';
      this.#options.log.error(`The bus will not take an event: ${reason}`, { task: batch[0]?.entry.key });
      this.#settle(batch, unsent, 'dropped');
      return;
    }
    this.#settle(batch, unsent, 'sent');
  }

  #settle(batch: readonly Loaded<PushEvent>[], unsent: Set<Loaded<PushEvent>>, fate: EventFate): void {
    for (const loaded of batch) {
      unsent.delete(loaded);
      this.#count(loaded.entry, fate);
    }
    const outcomes = batch.flatMap(({ entry }) => (entry.kind === 'outcome' ? [entry.key] : []));
    if (outcomes.length > 0) this.#options.onSettled(outcomes);
  }

  #failed(unsent: ReadonlySet<Loaded<PushEvent>>, error: unknown, began: number): void {
    const now = performance.now();
    this.counts.failures += 1;
    this.#said.failed(error instanceof Error ? error.message : 'unknown');
    this.#outage.failed(error, began, now);
    if (this.#closed) return;
    if (this.#pause) clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#tryAgain(), Math.ceil(this.#outage.retryAt - now));
    if (this.#outage.hasLastedTooLong(now)) {
      for (const { entry } of unsent) this.#count(entry, 'dropped');
      this.#schedule.dropAll();
      return;
    }
    for (const lane of new Set([...unsent].map((loaded) => loaded.lane))) {
      const before = [...unsent].flatMap((loaded) => (loaded.lane === lane ? [loaded.entry] : []));
      this.#schedule.putBack(lane, before, now, MAX_WAITING_OUTCOMES);
    }
  }

  /** With what waits, or else with a question: the bus's return is noticed although nothing is sent. */
  #tryAgain(): void {
    this.#pause = null;
    this.#pump();
    if (this.isDown && this.#requests === 0 && !this.#closed) void this.#send([]);
  }

  #count(event: PushEvent, fate: EventFate): void {
    this.counts.events[event.kind][fate] += 1;
  }

  #isIdle(): boolean {
    return this.#requests === 0 && this.#schedule.size === 0;
  }
}
