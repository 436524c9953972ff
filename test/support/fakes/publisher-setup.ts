// A publisher with a fake bus and fake time. For the tests of backend/push/publisher.ts.
import { afterEach, beforeEach, expect, jest } from '@jest/globals';
import { Events } from '../../../backend/events/events.ts';
import { BusError, type BusEvent } from '../../../backend/push/bus/bus.ts';
import { Publisher } from '../../../backend/push/publisher.ts';
import { type EventFate, PROBE } from '../../../backend/push/push-events.ts';
import { channelOf } from '../../../core/channel.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { recordLog } from '../log.ts';
import { FAILURE, move, newTask, time } from '../task-events.ts';

/** A bus that answers each request as `answer` says, after `latency` ms of fake time. */
export class FakeBus {
  isEncrypted = false;
  latency = 1;
  /** Returns the error of a request, or null if the bus takes it. The first request has number 1. */
  answer: (events: readonly BusEvent[], request: number) => Error | null = () => null;
  readonly requests: (readonly BusEvent[])[] = [];
  /** Events of tasks that the bus has taken. */
  readonly delivered: BusEvent[] = [];
  /** Probes that the bus has taken. A probe only asks whether the bus takes events. */
  readonly probes: BusEvent[] = [];
  /** How many requests were under way at once, at most. */
  mostAtOnce = 0;
  /** How often a request began while another one with events of the same channel was under way. It has to stay 0. */
  overlaps = 0;
  #atOnce = 0;
  /** How many requests with events of a channel are under way. */
  readonly #underWay = new Map<string, number>();

  async send(events: readonly BusEvent[]): Promise<void> {
    this.requests.push(events);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    const channels = new Set(events.map(({ channel }) => channel));
    for (const channel of channels) {
      const requests = (this.#underWay.get(channel) ?? 0) + 1;
      this.#underWay.set(channel, requests);
      if (requests > 1) this.overlaps += 1;
    }
    const error = this.answer(events, this.requests.length);
    await new Promise((resolve) => setTimeout(resolve, this.latency));
    for (const channel of channels) this.#underWay.set(channel, (this.#underWay.get(channel) ?? 0) - 1);
    this.#atOnce -= 1;
    if (error) throw error;
    for (const event of events) (event.name === PROBE.name ? this.probes : this.delivered).push(event);
  }
}

/** How the fake bus may refuse a request. */
export const AWAY = new BusError('no answer from the bus: ECONNREFUSED', null);
export const REFUSED = new BusError('the bus answered 413: too big', 413);
export const OVER_QUOTA = new BusError('the bus answered 403: over its message quota', 403);

/** What a test works with. Each test gets a new one. */
export interface PublisherParts {
  readonly publisher: Publisher;
  readonly bus: FakeBus;
  readonly log: ReturnType<typeof recordLog>;
  /** The ids of the tasks whose outcomes the publisher has settled. */
  readonly settled: string[];
}

/** A publisher that sends 10 events a second to an owner, without chance in its pauses. */
export function makePublisher(): PublisherParts {
  const bus = new FakeBus();
  const log = recordLog();
  const settled: string[] = [];
  const publisher = new Publisher({
    bus,
    events: new Events(log),
    onSettled: (ids) => settled.push(...ids),
    eventsPerSecond: 10,
    random: () => 1,
  });
  return { publisher, bus, log, settled };
}

/**
 * Gives each test of a file a publisher and fake time. After each test it closes the publisher, and expects that no two
 * requests had events of one owner at once.
 */
export function usePublisher(onMade: (parts: PublisherParts) => void): void {
  // Minutes pass in fake time; a busy machine may need some real seconds for them.
  jest.setTimeout(60_000);
  let parts: PublisherParts;
  beforeEach(() => {
    jest.useFakeTimers();
    parts = makePublisher();
    onMade(parts);
  });
  afterEach(() => {
    parts.publisher.close();
    expect(parts.bus.overlaps).toBe(0);
    jest.useRealTimers();
  });
}

/** Tasks in the states that are published. `running` has revision 2. */
export const running = (id: string): Snapshot => move(newTask({ id }), { type: 'start', at: time(1) });
export const progressed = (task: Snapshot, done: number): Snapshot =>
  move(task, { type: 'progress', at: time(2), attempt: 1, progress: { done, total: null } });
export const succeeded = (task: Snapshot, result: unknown = null): Snapshot =>
  move(task, { type: 'succeed', at: time(3), attempt: 1, result });
export const failed = (task: Snapshot): Snapshot =>
  move(task, { type: 'fail', at: time(3), attempt: 1, error: { ...FAILURE, retryable: false } });

/** The snapshot in an event. */
export const dataOf = (event: BusEvent): Snapshot => JSON.parse(event.data);

/** What the bus has taken, of `owner` or of all: id, status and revision of each event, like `a running 2`. */
export const delivered = (bus: FakeBus, owner?: string): string[] =>
  bus.delivered
    .filter(({ channel }) => owner === undefined || channel === channelOf(owner))
    .map((event) => `${dataOf(event).id} ${dataOf(event).status} ${dataOf(event).revision}`);

/** How many events had this fate, of all kinds together. */
export const counted = (publisher: Publisher, fate: EventFate): number =>
  Object.values(publisher.counts.events).reduce((sum, fates) => sum + fates[fate], 0);

/** Lets 50 ms pass: enough for a request to be sent and answered. */
export const soon = (): Promise<void> => jest.advanceTimersByTimeAsync(50);
