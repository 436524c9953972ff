/** Logs what is wrong with Redis: each kind of trouble once, and once that it is over. It serves the store and the queue. */

import type { Emitter } from '../events/events.ts';
import { Outage } from '../events/outage.ts';
import { type Fault, faultOf, NotConnectedError } from './fault.ts';

/** How long it must work before it "answers again". Longer than the longest pause between two tries to connect. */
const CALM_MS = 3_000;
/** How often the same bug is logged. */
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

  /** Whether something is wrong with Redis, or was a moment ago. */
  get isOn(): boolean {
    return this.#outage.since !== null;
  }

  /** Logs a failure, unless it is known. Returns what it means. */
  tell(error: unknown): Fault {
    const fault = faultOf(error);
    if (error instanceof NotConnectedError && this.isOn) return fault;
    if (fault.kind === 'bug') this.#tellBug(fault.text);
    else this.#outage.failed(fault.text, fault.kind === 'away' ? 'silent' : 'unusable');
    return fault;
  }

  /** A write worked just now. */
  isWell(): void {
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
