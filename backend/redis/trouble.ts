/** Tells the operator what is wrong with Redis: each trouble once, by its name, and once that it is over. */

import { type Log, Outage } from '../log.ts';
import { type Fault, faultOf, NotConnectedError } from './fault.ts';

/** Longer than the longest pause between two tries to connect, so that "answers again" is not said between two failures. */
const CALM_MS = 3_000;
/** How often the same bug is told. */
const BUG_EVERY_MS = 60_000;

export class RedisTrouble {
  readonly #log: Log;
  readonly #what: string;
  readonly #outage: Outage;
  readonly #bugs = new Map<string, number>();

  constructor(log: Log, what: string) {
    this.#log = log;
    this.#what = what;
    this.#outage = new Outage(log, what, CALM_MS);
  }

  /** Whether something is wrong with Redis, or was a moment ago. */
  get isOn(): boolean {
    return this.#outage.since !== null;
  }

  /** Something failed. Returns what it was. */
  tell(error: unknown): Fault {
    const fault = faultOf(error);
    if (error instanceof NotConnectedError && this.isOn) return fault;
    if (fault.kind === 'bug') this.#tellBug(fault.text);
    else this.#outage.failed(fault.text, fault.kind === 'away' ? 'does not answer' : 'answers, but cannot be used');
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
    this.#log.error(
      `${this.#what} was asked what makes no sense, a bug of inloop or foreign data under its keys: ${text}`,
    );
  }
}
