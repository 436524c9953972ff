/** Tells the operator once when something is wrong with Redis, and once when it is over. It serves the store and the queue. */

import type { Emitter } from '../events/events.ts';
import { Outage } from '../events/outage.ts';
import { type Fault, faultOf, NotConnectedError } from './fault.ts';

/** How long Redis must work before the trouble is over. Longer than the longest pause between two tries to connect (1 s). */
const CALM_MS = 3_000;
/** The same bug is told once in this time. */
const BUG_EVERY_MS = 60_000;

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

  /** A command failed. Tells of it, unless it was told. @returns what the error means */
  failed(error: unknown): Fault {
    const fault = faultOf(error);
    if (error instanceof NotConnectedError && this.isOn) return fault;
    if (fault.kind === 'bug') this.#tellBug(fault.text);
    else this.#outage.failed(fault.text, fault.kind === 'away' ? 'silent' : 'unusable');
    return fault;
  }

  /** A write succeeded. */
  succeeded(): void {
    this.#outage.succeeded();
  }

  #tellBug(text: string): void {
    const now = performance.now();
    const told = this.#bugs.get(text);
    if (told !== undefined && now - told < BUG_EVERY_MS) return;
    if (this.#bugs.size >= 100) this.#bugs.clear();
    this.#bugs.set(text, now);
    this.#events.emit('redis.misused', () => ({ part: this.#part, reason: text }));
  }
}
