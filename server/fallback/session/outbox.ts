/** The messages of the bus that wait for one client. It serves the session. It keeps count, so that nobody's grow without end. */

import type { FallbackLimits } from '../options.ts';
import { fitLine } from './framing.ts';

/** Characters that wait for all clients together. */
export interface Budget {
  used: number;
}

export class Outbox {
  readonly #limits: Pick<FallbackLimits, 'buffered' | 'bufferedInAll'>;
  readonly #budget: Budget;
  #messages: string[] = [];
  /** Of the messages, in characters. */
  #length = 0;

  constructor(limits: Pick<FallbackLimits, 'buffered' | 'bufferedInAll'>, budget: Budget) {
    this.#limits = limits;
    this.#budget = budget;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Whether more waits than may: for this client, or for all together while something waits for this one. */
  get isOverfull(): boolean {
    const { buffered, bufferedInAll } = this.#limits;
    return this.#length > buffered || (this.#length > 0 && this.#budget.used > bufferedInAll);
  }

  add(message: string): void {
    this.#messages.push(message);
    this.#count(message.length);
  }

  /** Takes as many of the oldest messages as go into one line: at least one, unless it is empty. */
  takeLine(): string[] {
    const messages = this.#messages.splice(0, fitLine(this.#messages));
    this.#count(-lengthOf(messages));
    return messages;
  }

  /** Messages that were taken and did not get through. They are the oldest ones again. */
  putBack(messages: readonly string[]): void {
    this.#messages.unshift(...messages);
    this.#count(lengthOf(messages));
  }

  clear(): void {
    this.#messages = [];
    this.#count(-this.#length);
  }

  #count(length: number): void {
    this.#length += length;
    this.#budget.used += length;
  }
}

function lengthOf(messages: readonly string[]): number {
  return messages.reduce((length, message) => length + message.length, 0);
}
