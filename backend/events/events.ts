/**
 * Tells what happens in this process: to the log, to the counters and to the listeners of `backend.on`. Everything that has
 * something to say to an operator goes through here.
 */

import { refuseOptions } from '../../core/options.ts';
import { describe } from '../../core/text.ts';
import type { Log } from '../log.ts';
import type { EventMap, EventName, NamedEvent } from './event-map.ts';
import { LINES, logEvent } from './log-events.ts';

/** What is handed to the parts that have something to tell. */
export type Emitter = Pick<Events, 'emit'>;

type Listener = (event: NamedEvent) => unknown;

export class Events {
  /** How often each has happened since the process started. */
  readonly counts: Record<EventName, number>;
  readonly #log: Log;
  readonly #listeners = new Map<EventName, Set<Listener>>();

  /** @param log one that cannot throw (`guardLog`) */
  constructor(log: Log) {
    this.#log = log;
    this.counts = Object.fromEntries(Object.keys(LINES).map((name) => [name, 0])) as Record<EventName, number>;
  }

  /**
   * Something happened. Never throws. Where nobody listens and no line is due, this is one increment.
   * @param make gives the fields, where somebody wants them
   * @param detail for the log only: errors, which may quote what a listener must not get
   */
  emit<N extends EventName>(name: N, make: () => EventMap[N], detail?: Readonly<Record<string, unknown>>): void {
    this.counts[name] += 1;
    const listeners = this.#listeners.get(name);
    const say = this.#log[LINES[name].level];
    if (!say && !listeners) return;
    const fields = make();
    if (say) logEvent(this.#log, name, fields, detail);
    if (!listeners) return;
    const event = { event: name, at: new Date().toISOString(), ...fields } as unknown as NamedEvent;
    for (const listener of [...listeners]) tell(listener, event);
  }

  /**
   * Calls `listener` whenever `name` happens in this process. What it throws, or rejects with, hurts nobody.
   * @returns ends that
   * @throws ConfigError `invalid_options` for a name that is none, or no function
   */
  on<N extends EventName>(name: N, listener: (event: NamedEvent<N>) => unknown): () => void {
    if (!Object.hasOwn(LINES, name)) refuseOptions(`on: there is no event ${describe(name)}. See docs/operating.md.`);
    if (typeof listener !== 'function') refuseOptions(`on: expected a function, got ${describe(listener)}.`);
    // Another function each time: one that was given twice is called twice, and each can be taken back.
    const own: Listener = (event) => listener(event as NamedEvent<N>);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(name) === listeners) this.#listeners.delete(name);
    };
  }
}

/** The work goes on whatever a listener does. */
function tell(listener: Listener, event: NamedEvent): void {
  try {
    Promise.resolve(listener(event)).catch(() => undefined);
  } catch {
    // The adopter's own; there is nowhere left to say so.
  }
}
