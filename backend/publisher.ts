/**
 * Pushes snapshots to their owners' channels. It serves whoever changed a task: server and worker.
 *
 * What waits is at most one entry a task, the newest: so a slow or absent bus costs freshness and not memory.
 * Up to ten events leave in one request; one owner's events are never in two requests at a time, so they
 * arrive in order. After a fault, everything waits with growing pauses; progress is given up, outcomes are not.
 * Outcomes beyond a cap are left to the store, which remembers each until it was pushed (`unpublished`).
 */

import { channelOf } from '../core/channel.ts';
import { MAX_BATCH_EVENTS, MAX_EVENT_BYTES } from '../core/limits.ts';
import { isFinished, type Snapshot } from '../core/snapshot.ts';
import { eventName, SEEN_EVENT, type SeenEvent, toEventData } from '../core/wire.ts';
import { type Bus, BusError, type BusEvent, MAX_REQUESTS } from './bus.ts';
import { type Log, Outage } from './log.ts';

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

interface Entry {
  /** The task's id, or something of its own for events that are of no task. */
  readonly key: string;
  readonly name: string;
  readonly revision: number;
  /** Outcomes wait as the text that is sent: their results may be far bigger. Progress is turned into text only if it is. */
  readonly content: Snapshot | string;
  readonly mustArrive: boolean;
}

/** What waits for one owner. */
interface Lane {
  readonly owner: string;
  readonly entries: Map<string, Entry>;
  isSending: boolean;
}

interface Loaded {
  readonly lane: Lane;
  readonly entry: Entry;
}

export interface PublisherOptions {
  readonly bus: Pick<Bus, 'send' | 'isEncrypted'>;
  readonly log: Log;
  /** Outcomes that were pushed, or that the bus will never take. */
  readonly onSettled: (ids: readonly string[]) => void;
  /** For tests. */
  readonly random?: () => number;
}

/** Counts since the process started. */
export interface PublisherCounts {
  requests: number;
  events: number;
  failures: number;
  dropped: number;
}

export class Publisher {
  readonly counts: PublisherCounts = { requests: 0, events: 0, failures: 0, dropped: 0 };
  readonly #options: PublisherOptions;
  readonly #outage: Outage;
  readonly #lanes = new Map<string, Lane>();
  #waitingOutcomes = 0;
  #requests = 0;
  #failuresInARow = 0;
  #pause: NodeJS.Timeout | null = null;
  #isScheduled = false;
  #seenEvents = 0;
  #onIdle: (() => void)[] = [];
  #closed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#outage = new Outage(options.log, 'The bus');
  }

  /** Whether the last request failed and the bus has not answered since. */
  get isDown(): boolean {
    return this.#outage.since !== null;
  }

  /** How much waits now; `bytes` is its size as JSON. Walks over all of it. */
  get waiting(): { readonly owners: number; readonly events: number; readonly bytes: number } {
    const entries = [...this.#lanes.values()].flatMap((lane) => [...lane.entries.values()]);
    const sizes = entries.map(({ content }) =>
      Buffer.byteLength(typeof content === 'string' ? content : JSON.stringify(content)),
    );
    return { owners: this.#lanes.size, events: entries.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  }

  /** Pushes a snapshot soon, unless a newer one of the same task comes first. Never throws. */
  publish(owner: string, snapshot: Snapshot): void {
    const mustArrive = isFinished(snapshot);
    this.#enqueue(owner, {
      key: snapshot.id,
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
        name: SEEN_EVENT,
        revision: 0,
        content: JSON.stringify(event),
        mustArrive: false,
      });
    }
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
    if (this.#pause) clearTimeout(this.#pause);
    this.#lanes.clear();
  }

  #enqueue(owner: string, entry: Entry): void {
    if (this.#closed) return;
    const downSince = this.#outage.since;
    if (!entry.mustArrive && downSince !== null && Date.now() - downSince > PROGRESS_PATIENCE_MS) {
      this.counts.dropped += 1;
      return;
    }
    const lane = this.#lanes.get(owner) ?? { owner, entries: new Map(), isSending: false };
    this.#put(lane, entry);
    if (lane.entries.size === 0) return;
    this.#lanes.set(owner, lane);
    this.#schedule();
  }

  /** Puts an entry in its lane unless a newer one of the same task waits there. */
  #put(lane: Lane, entry: Entry): void {
    const waiting = lane.entries.get(entry.key);
    if (waiting && waiting.revision >= entry.revision) return;
    if (entry.mustArrive && !waiting?.mustArrive) {
      if (this.#waitingOutcomes >= (this.isDown ? MAX_WAITING_OUTCOMES : MAX_WAITING_OUTCOMES_WHILE_UP)) {
        // The store remembers it; a sweeper pushes it when the bus is back.
        this.#remove(lane, entry.key);
        this.counts.dropped += 1;
        return;
      }
      this.#waitingOutcomes += 1;
    }
    lane.entries.set(entry.key, entry);
  }

  /** Puts what could not be sent in front of what came meanwhile, so that events stay in order. */
  #putBack(lane: Lane, entries: readonly Entry[]): void {
    const later = [...lane.entries.values()];
    for (const { key } of later) this.#remove(lane, key);
    for (const entry of [...entries, ...later]) this.#put(lane, entry);
  }

  #remove(lane: Lane, key: string): void {
    if (lane.entries.get(key)?.mustArrive) this.#waitingOutcomes -= 1;
    lane.entries.delete(key);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#pause) return;
    this.#isScheduled = true;
    // After this tick, so that what changes in one tick leaves in one request.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#closed || this.#pause) return;
    // While the bus is down one request at a time finds out whether it is back.
    const most = this.isDown ? 1 : MAX_REQUESTS;
    while (this.#requests < most) {
      const batch = this.#load();
      if (batch.length === 0) break;
      this.#requests += 1;
      void this.#send(batch).finally(() => {
        this.#requests -= 1;
        if (this.#isIdle()) for (const resolve of this.#onIdle.splice(0)) resolve();
        else this.#schedule();
      });
    }
  }

  /** Takes the next batch out of the lanes that are not sending; the lanes served go to the end of the line. */
  #load(): Loaded[] {
    const batch: Loaded[] = [];
    for (const lane of this.#lanes.values()) {
      if (batch.length === MAX_BATCH_EVENTS) break;
      if (lane.isSending) continue;
      for (const entry of lane.entries.values()) {
        if (batch.length === MAX_BATCH_EVENTS) break;
        batch.push({ lane, entry });
        this.#remove(lane, entry.key);
      }
    }
    for (const { lane } of batch) {
      lane.isSending = true;
      this.#lanes.delete(lane.owner);
      this.#lanes.set(lane.owner, lane);
    }
    return batch;
  }

  async #send(batch: readonly Loaded[]): Promise<void> {
    const unsent = new Set(batch);
    try {
      await this.#trySend(batch, unsent);
      this.#failuresInARow = 0;
      this.#outage.succeeded();
    } catch (error) {
      this.#failed(unsent, error instanceof Error ? error.message : 'unknown');
    } finally {
      for (const { lane } of batch) {
        lane.isSending = false;
        if (lane.entries.size === 0 && this.#lanes.get(lane.owner) === lane) this.#lanes.delete(lane.owner);
      }
    }
  }

  /** Takes out of `unsent` what the bus took or will never take. */
  async #trySend(batch: readonly Loaded[], unsent: Set<Loaded>): Promise<void> {
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
      this.counts.dropped += 1;
      const reason = error instanceof Error ? error.message : 'unknown';
      this.#options.log.error(`The bus will not take an event: ${reason}`, { task: batch[0]?.entry.key });
      this.#settle(batch, unsent);
      return;
    }
    this.counts.events += batch.length;
    this.#settle(batch, unsent);
  }

  #settle(batch: readonly Loaded[], unsent: Set<Loaded>): void {
    for (const loaded of batch) unsent.delete(loaded);
    const outcomes = batch.flatMap(({ entry }) => (entry.mustArrive ? [entry.key] : []));
    if (outcomes.length > 0) this.#options.onSettled(outcomes);
  }

  #failed(unsent: ReadonlySet<Loaded>, reason: string): void {
    this.counts.failures += 1;
    this.#outage.failed(reason);
    this.#failuresInARow += 1;
    const isLost = Date.now() - (this.#outage.since ?? 0) > PROGRESS_PATIENCE_MS;
    if (this.#closed) return;
    for (const lane of new Set([...unsent].map((loaded) => loaded.lane))) {
      const before = [...unsent].flatMap((loaded) => (loaded.lane === lane ? [loaded.entry] : []));
      const kept = before.filter((entry) => entry.mustArrive || !isLost);
      this.counts.dropped += before.length - kept.length;
      this.#putBack(lane, kept);
    }
    if (this.#pause) return;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failuresInARow - 1), LONGEST_PAUSE_MS);
    const jitter = 0.5 + (this.#options.random ?? Math.random)() / 2;
    this.#pause = setTimeout(() => {
      this.#pause = null;
      this.#pump();
    }, pause * jitter);
  }

  #toEvent({ lane, entry }: Loaded): BusEvent {
    return {
      channel: channelOf(lane.owner, { encrypted: this.#options.bus.isEncrypted }),
      name: entry.name,
      data: typeof entry.content === 'string' ? entry.content : this.#toData(entry.content),
    };
  }

  #toData(snapshot: Snapshot): string {
    return toEventData(snapshot, this.#options.bus.isEncrypted ? MAX_ENCRYPTED_EVENT_BYTES : MAX_EVENT_BYTES);
  }

  #isIdle(): boolean {
    if (this.#requests > 0) return false;
    for (const lane of this.#lanes.values()) if (lane.entries.size > 0 || lane.isSending) return false;
    return true;
  }
}
