/**
 * Passes each named event of this process to the log, to the counters and to the listeners of `backend.on`. Every part that
 * has something to tell the operator calls `emit`.
 */

import { refuseOptions } from '../../core/values/options.ts';
import { describe } from '../../core/values/text.ts';
import type { Log } from '../log/log.ts';
import type { EventMap, EventName, NamedEvent } from './event-map.ts';
import { LINES, logEvent } from './log-events.ts';
import type { Tracing } from './tracing.ts';

/** What is handed to the parts that have something to tell. */
export type Emitter = Pick<Events, 'emit'> & { tracing?: Tracing | null };

type Listener = (event: NamedEvent) => unknown;

export class Events {
  /** How often each event has happened since the process started. */
  readonly counts: Record<EventName, number>;
  /** Shows the tasks of this process as traces; null unless `inloop/tracing` was asked to. */
  tracing: Tracing | null = null;
  readonly #log: Log;
  readonly #listeners = new Map<EventName, Set<Listener>>();

  /** @param log one that cannot throw (`guardLog`) */
  constructor(log: Log) {
    this.#log = log;
    this.counts = Object.fromEntries(Object.keys(LINES).map((name) => [name, 0])) as Record<EventName, number>;
  }

  /**
   * Says that an event has happened. Never throws. If nobody listens and the event makes no log line, this costs one increment.
   * @param make returns the fields. Called only if somebody wants them
   * @param detail for the log only: errors, since they may quote what a listener must not get
   */
  emit<N extends EventName>(name: N, make: () => EventMap[N], detail?: Readonly<Record<string, unknown>>): void {
    this.counts[name] += 1;
    const listeners = this.#listeners.get(name);
    const isLogged = this.#log[LINES[name].level] !== undefined;
    if (!isLogged && !listeners) return;
    const fields = make();
    if (isLogged) logEvent(this.#log, name, fields, this.tracing ? { ...this.tracing.logFields(), ...detail } : detail);
    if (!listeners) return;
    const event = { event: name, at: new Date().toISOString(), ...fields } as unknown as NamedEvent;
    for (const listener of [...listeners]) call(listener, event);
  }

  /**
   * Calls `listener` whenever `name` happens in this process. Errors that it throws or rejects with are ignored.
   * @returns a function that removes the listener
   * @throws ConfigError `invalid_options` if there is no such event, or `listener` is not a function
   */
  on<N extends EventName>(name: N, listener: (event: NamedEvent<N>) => unknown): () => void {
    if (!Object.hasOwn(LINES, name)) refuseOptions(`on: there is no event ${describe(name)}. See docs/operating.md.`);
    if (typeof listener !== 'function') refuseOptions(`on: expected a function, got ${describe(listener)}.`);
    // A new function for each call: a listener that was added twice is called twice, and is removed once at a time.
    const own: Listener = (event) => listener(event as NamedEvent<N>);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(name) === listeners) this.#listeners.delete(name);
    };
  }
}

/** Calls a listener, and ignores its errors: the work must go on. */
function call(listener: Listener, event: NamedEvent): void {
  try {
    Promise.resolve(listener(event)).catch(() => undefined);
  } catch {
    // An error of the adopter's own code.
  }
}
