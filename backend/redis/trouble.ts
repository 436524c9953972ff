/** Tells the operator once when something is wrong with Redis, and once when it is over. It serves the store and the queue. */

import type { Emitter } from '../events/events.ts';
import { Outage } from '../events/outage.ts';
import { type Fault, faultOf, NotConnectedError } from './fault.ts';

/** How long Redis must work before the trouble is over. Longer than the longest pause between two tries to connect (1 s). */
const CALM_MS = 3_000;
/** The same bug is told once in this time. */
const BUG_EVERY_MS = 60_000;

/** How many bugs are remembered as told. Beyond that all are forgotten, so that memory is bounded. */
const MAX_BUGS = 100;

/** What is wrong with Redis, as one part of a process notices it. */
export class RedisTrouble {
  readonly #events: Emitter;
  readonly #part: 'store' | 'queue';
  readonly #outage: Outage;
  readonly #bugs = new Map<string, number>();

  /** @param part what Redis is used for here */
  constructor(events: Emitter, part: 'store' | 'queue') {
    this.#events = events;
    this.#part = part;
    this.#outage = new Outage(
      {
        began: (news, kind) =>
          events.emit(kind === 'silent' ? 'redis.outage.began' : 'redis.unusable', () => ({ ...news, part })),
        ended: (news) => events.emit('redis.outage.ended', () => ({ ...news, part })),
      },
      CALM_MS,
    );
  }

  /** Whether something is wrong with Redis, or was within the last 3 s. */
  get isOn(): boolean {
    return this.#outage.since !== null;
  }

  /** To be called when a command has failed. Emits an event unless one was emitted before. @returns what the error means */
  failed(error: unknown): Fault {
    const fault = faultOf(error);
    // This error only says that there is no connection. The reason was told when the connection was lost.
    if (error instanceof NotConnectedError && this.isOn) return fault;
    if (fault.kind === 'bug') this.#tellBug(fault.text);
    else this.#outage.failed(fault.text, fault.kind === 'away' ? 'silent' : 'unusable');
    return fault;
  }

  /** To be called when a write has succeeded. */
  succeeded(): void {
    this.#outage.succeeded();
  }

  #tellBug(text: string): void {
    const now = performance.now();
    const told = this.#bugs.get(text);
    if (told !== undefined && now - told < BUG_EVERY_MS) return;
    if (this.#bugs.size >= MAX_BUGS) this.#bugs.clear();
    this.#bugs.set(text, now);
    this.#events.emit('redis.misused', () => ({ part: this.#part, reason: text }));
  }
}
