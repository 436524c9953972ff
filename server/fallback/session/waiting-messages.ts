/**
 * The messages of the bus that wait for one client. Their length is counted, so that slow clients cannot fill the memory. It
 * serves the session.
 */

import type { FallbackLimits } from '../options.ts';
import { fitLine } from './framing.ts';

/** Characters that wait for all clients together. */
export interface WaitingTotal {
  used: number;
}

/** A queue of messages that says when too many characters wait. */
export class WaitingMessages {
  readonly #limits: Pick<FallbackLimits, 'buffered' | 'bufferedInAll'>;
  readonly #waitingTotal: WaitingTotal;
  #messages: string[] = [];
  /** The length of all messages, in characters. */
  #length = 0;

  constructor(limits: Pick<FallbackLimits, 'buffered' | 'bufferedInAll'>, waitingTotal: WaitingTotal) {
    this.#limits = limits;
    this.#waitingTotal = waitingTotal;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Whether too much waits: for this client alone, or for all clients together while something waits for this one. */
  get isOverfull(): boolean {
    const { buffered, bufferedInAll } = this.#limits;
    return this.#length > buffered || (this.#length > 0 && this.#waitingTotal.used > bufferedInAll);
  }

  add(message: string): void {
    this.#messages.push(message);
    this.#count(message.length);
  }

  /** Takes the oldest messages that fit into one line: at least one, unless none waits. */
  takeLine(): string[] {
    const messages = this.#messages.splice(0, fitLine(this.#messages));
    this.#count(-lengthOf(messages));
    return messages;
  }

  /** Puts back messages that were taken and not delivered, in front of all others. */
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
    this.#waitingTotal.used += length;
  }
}

function lengthOf(messages: readonly string[]): number {
  return messages.reduce((length, message) => length + message.length, 0);
}
