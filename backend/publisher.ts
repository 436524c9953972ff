/**
 * Pushes snapshots to their owners' channels. It serves whoever changed a task: server and worker.
 *
 * What leaves when is the schedule's business (push-schedule.ts): outcomes at once, everything else within the owner's
 * budget. Here is what it takes to carry that out: timers, requests, and what becomes of them. After a fault,
 * everything waits with growing pauses; progress is given up, outcomes are not. Outcomes beyond a cap are left to the
 * store, which remembers each until it was pushed (`unpublished`). So a slow or absent bus costs freshness and not memory.
 */

import { channelOf } from '../core/channel.ts';
import { MAX_EVENT_BYTES } from '../core/limits.ts';
import { isFinished, type Snapshot } from '../core/snapshot.ts';
import { eventName, SEEN_EVENT, type SeenEvent, toEventData } from '../core/wire.ts';
import { type Bus, BusError, type BusEvent, MAX_REQUESTS } from './bus.ts';
import { type Log, Outage } from './log.ts';
import { type Entry, type Loaded, PushSchedule } from './push-schedule.ts';

/**
 * What of 10,240 bytes is left for plain data once it is encrypted. It travels as `{"nonce":"…","ciphertext":"…"}`,
 * which takes 60 bytes with the 24 bytes of nonce in base64; the data grow by a tag of 16 bytes, then to 4/3 in base64.
 */
const MAX_ENCRYPTED_EVENT_BYTES = Math.floor((MAX_EVENT_BYTES - 60) / 4) * 3 - 16;
/** An id takes 39 bytes. A `seen` call may name more than one event holds, encrypted least of all. */
const MAX_SEEN_IDS_PER_EVENT = Math.floor((MAX_ENCRYPTED_EVENT_BYTES - 100) / 39);
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** How long progress is worth another try; after that, clients have fetched. */
const PROGRESS_PATIENCE_MS = 2_000;
/** Bounds memory while the bus is away: 1,000 outcomes of at most 10 KB each. While it is merely slow, ten times that. */
const MAX_WAITING_OUTCOMES = 1_000;
const MAX_WAITING_OUTCOMES_WHILE_UP = 10_000;

/** What an event tells, for the counts: a running task's news is `progress` as soon as it has any. */
export const EVENT_KINDS = ['queued', 'running', 'progress', 'retrying', 'cancelling', 'outcome', 'seen'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** What became of events: the bus took it; a newer one of its task took its place; it was given up. */
export const EVENT_FATES = ['sent', 'merged', 'dropped'] as const;
export type EventFate = (typeof EVENT_FATES)[number];

interface PushEvent extends Entry {
  readonly kind: EventKind;
  readonly name: string;
  /** Outcomes wait as the text that is sent: their results may be far bigger. Progress is turned into text only if it is. */
  readonly content: Snapshot | string;
}

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

/** Counts since the process started. */
export interface PublisherCounts {
  requests: number;
  failures: number;
  readonly events: Record<EventKind, Record<EventFate, number>>;
}

export class Publisher {
  readonly counts: PublisherCounts = { requests: 0, failures: 0, events: noEvents() };
  readonly #options: PublisherOptions;
  readonly #outage: Outage;
  readonly #schedule: PushSchedule<PushEvent>;
  /** What those who have asked for a turn do with it, by their keys. */
  readonly #steps = new Map<string, () => Promise<void>>();
  #requests = 0;
  #failuresInARow = 0;
  #pause: NodeJS.Timeout | null = null;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #isScheduled = false;
  #seenEvents = 0;
  #onIdle: (() => void)[] = [];
  #closed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#outage = new Outage(options.log, 'The bus');
    this.#schedule = new PushSchedule({
      eventsPerSecond: options.eventsPerSecond,
      onMerged: (event) => this.#count(event, 'merged'),
      onDropped: (event) => this.#count(event, 'dropped'),
    });
  }

  /** Whether the last request failed and the bus has not answered since. */
  get isDown(): boolean {
    return this.#outage.since !== null;
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
    const mustArrive = isFinished(snapshot);
    this.#enqueue(owner, {
      key: snapshot.id,
      kind: kindOf(snapshot),
      name: eventName(snapshot),
      revision: snapshot.revision,
      content: mustArrive ? this.#toData(snapshot) : snapshot,
      mustArrive,
    });
  }

  /** Tells the owner's other tabs and devices that outcomes were seen, in as many events as it takes. Never throws. */
  publishSeen(owner: string, { ids, seenAt }: SeenEvent): void {
    for (let start = 0; start < ids.length; start += MAX_SEEN_IDS_PER_EVENT) {
      const event: SeenEvent = { ids: ids.slice(start, start + MAX_SEEN_IDS_PER_EVENT), seenAt };
      this.#seenEvents += 1;
      this.#enqueue(owner, {
        key: `seen:${this.#seenEvents}`,
        kind: 'seen',
        name: SEEN_EVENT,
        revision: 0,
        content: JSON.stringify(event),
        mustArrive: false,
      });
    }
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
    const downSince = this.#outage.since;
    if (!event.mustArrive && downSince !== null && Date.now() - downSince > PROGRESS_PATIENCE_MS) {
      this.#count(event, 'dropped');
      return;
    }
    const now = performance.now();
    if (!this.#schedule.put(owner, event, now, this.#mostOutcomes)) return;
    // An outcome while nothing else is going on has nobody to share a request with.
    if (event.mustArrive && this.#requests === 0 && this.#schedule.isQuiet(now)) this.#pump();
    else this.#wakeAfterThisTick();
  }

  get #mostOutcomes(): number {
    return this.isDown ? MAX_WAITING_OUTCOMES : MAX_WAITING_OUTCOMES_WHILE_UP;
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

  async #send(batch: readonly Loaded<PushEvent>[]): Promise<void> {
    this.#requests += 1;
    const unsent = new Set(batch);
    const began = performance.now();
    try {
      await this.#trySend(batch, unsent);
      this.#failuresInARow = 0;
      this.#outage.succeeded();
    } catch (error) {
      this.#failed(unsent, error instanceof Error ? error.message : 'unknown');
    }
    const now = performance.now();
    this.#schedule.answered(now, now - began, this.isDown);
    this.#schedule.settle(batch);
    this.#requests -= 1;
    if (this.#isIdle()) for (const resolve of this.#onIdle.splice(0)) resolve();
    else this.#wakeAfterThisTick();
  }

  /** Takes out of `unsent` what the bus took or will never take. */
  async #trySend(batch: readonly Loaded<PushEvent>[], unsent: Set<Loaded<PushEvent>>): Promise<void> {
    this.counts.requests += 1;
    try {
      await this.#options.bus.send(batch.map((loaded) => this.#toEvent(loaded)));
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
    const outcomes = batch.flatMap(({ entry }) => (entry.mustArrive ? [entry.key] : []));
    if (outcomes.length > 0) this.#options.onSettled(outcomes);
  }

  #failed(unsent: ReadonlySet<Loaded<PushEvent>>, reason: string): void {
    this.counts.failures += 1;
    this.#outage.failed(reason);
    this.#failuresInARow += 1;
    const isLost = Date.now() - (this.#outage.since ?? 0) > PROGRESS_PATIENCE_MS;
    if (this.#closed) return;
    for (const lane of new Set([...unsent].map((loaded) => loaded.lane))) {
      const before = [...unsent].flatMap((loaded) => (loaded.lane === lane ? [loaded.entry] : []));
      const kept = before.filter((entry) => entry.mustArrive || !isLost);
      for (const entry of before) if (!kept.includes(entry)) this.#count(entry, 'dropped');
      this.#schedule.putBack(lane, kept, performance.now(), this.#mostOutcomes);
    }
    if (this.#pause) return;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failuresInARow - 1), LONGEST_PAUSE_MS);
    const jitter = 0.5 + (this.#options.random ?? Math.random)() / 2;
    this.#pause = setTimeout(() => {
      this.#pause = null;
      this.#pump();
    }, pause * jitter);
  }

  #toEvent({ lane, entry }: Loaded<PushEvent>): BusEvent {
    return {
      channel: channelOf(lane.owner, { encrypted: this.#options.bus.isEncrypted }),
      name: entry.name,
      data: typeof entry.content === 'string' ? entry.content : this.#toData(entry.content),
    };
  }

  #toData(snapshot: Snapshot): string {
    return toEventData(snapshot, this.#options.bus.isEncrypted ? MAX_ENCRYPTED_EVENT_BYTES : MAX_EVENT_BYTES);
  }

  #count(event: PushEvent, fate: EventFate): void {
    this.counts.events[event.kind][fate] += 1;
  }

  #isIdle(): boolean {
    return this.#requests === 0 && this.#schedule.size === 0;
  }
}

function kindOf(snapshot: Snapshot): EventKind {
  if (isFinished(snapshot)) return 'outcome';
  return snapshot.status === 'running' && snapshot.progress !== null ? 'progress' : snapshot.status;
}

function noEvents(): PublisherCounts['events'] {
  const none = () => Object.fromEntries(EVENT_FATES.map((fate) => [fate, 0])) as Record<EventFate, number>;
  return Object.fromEntries(EVENT_KINDS.map((kind) => [kind, none()])) as PublisherCounts['events'];
}
