// Budget, outbox and pacer in simulated time, with a bus that answers each request after some ms. For tests of the three
// together.
import { Budget } from '../../../backend/push/budget.ts';
import { Outbox, type OutboxEvent, type Outgoing } from '../../../backend/push/outbox.ts';
import { Pacer } from '../../../backend/push/pacer.ts';

/** As many as the publisher has under way (`MAX_REQUESTS` in backend/push/bus/bus.ts, whose import would load the Pusher SDK). */
const MAX_REQUESTS = 4;

/** An event that was sent. */
export interface SentEvent extends Outgoing<OutboxEvent> {
  /** Simulated time, in ms. */
  readonly at: number;
  /** The number of the request that carried it, from 1. */
  readonly request: number;
}

/** Connects budget, outbox and pacer as the publisher does. */
export class PushSimulation {
  /** Simulated time, in ms. */
  now = 0;
  /** How long the bus takes to answer, in ms. */
  latency = 2;
  requests = 0;
  /** How often an event was sent while another request had events of the same owner. */
  overlaps = 0;
  readonly sent: SentEvent[] = [];
  readonly merged: OutboxEvent[] = [];
  readonly dropped: OutboxEvent[] = [];
  readonly budget: Budget;
  readonly pacer: Pacer;
  readonly outbox: Outbox<OutboxEvent>;
  /** What a task does in its turn. */
  onTurn: (owner: string, key: string) => void = () => undefined;
  #underWay: { readonly endsAt: number; readonly batch: readonly Outgoing<OutboxEvent>[] }[] = [];

  constructor(eventsPerSecond = 10) {
    this.budget = new Budget(eventsPerSecond);
    this.pacer = new Pacer(this.budget);
    this.outbox = new Outbox({
      budget: this.budget,
      maxUrgent: Number.POSITIVE_INFINITY,
      onMerged: (event) => this.merged.push(event),
      onDropped: (event) => this.dropped.push(event),
    });
  }

  /** Adds an event, and sends what may be sent. */
  add(owner: string, key: string, revision: number, isUrgent = false): void {
    this.addInTurn(owner, key, revision, isUrgent);
    this.#pump();
  }

  /** Adds an event from within `onTurn`. It is sent after the turn. */
  addInTurn(owner: string, key: string, revision: number, isUrgent = false): void {
    this.outbox.add(owner, { key, revision, isUrgent }, this.now);
  }

  /** Lets a task ask for a turn, which it wants `after` ms from now. */
  request(owner: string, key: string, after = 0): void {
    this.pacer.request(owner, key, this.now + after, this.now);
    this.#pump();
  }

  /** Lets `ms` pass, stopping at each moment at which something is due. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const answers = this.#underWay.map(({ endsAt }) => endsAt);
      const next = Math.min(this.outbox.nextBatchAt, this.pacer.nextTurnAt, ...answers);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      for (const request of this.#underWay.filter(({ endsAt }) => endsAt <= this.now)) {
        this.#underWay = this.#underWay.filter((other) => other !== request);
        this.pacer.noteAnswer(this.latency, false, this.now);
        this.outbox.finish(request.batch);
      }
      this.#pump();
    }
    this.now = end;
  }

  #pump(): void {
    this.#send();
    for (const turn of this.pacer.giveTurns(this.now)) {
      this.onTurn(turn.owner, turn.key);
      this.pacer.endTurn(turn, this.now);
    }
    this.#send();
  }

  #send(): void {
    while (this.#underWay.length < MAX_REQUESTS) {
      const batch = this.outbox.takeBatch(this.now, this.#underWay.length);
      if (batch.length === 0) break;
      this.requests += 1;
      const busy = new Set(this.#underWay.flatMap((request) => request.batch.map(({ owner }) => owner)));
      for (const outgoing of batch) {
        if (busy.has(outgoing.owner)) this.overlaps += 1;
        this.sent.push({ ...outgoing, at: this.now, request: this.requests });
      }
      this.#underWay.push({ endsAt: this.now + this.latency, batch });
    }
  }
}

/** How many of `sent` left in the busiest second. */
export function busiestSecond(sent: readonly SentEvent[]): number {
  return Math.max(0, ...sent.map(({ at }) => sent.filter((other) => other.at > at - 1_000 && other.at <= at).length));
}
