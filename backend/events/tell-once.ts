/** Tells the operator once of each mistake in how inloop is set up or used. It serves backend, server and worker. */

import type { EventMap } from './event-map.ts';
import type { Emitter } from './events.ts';

const told = new WeakMap<Emitter, Set<string>>();

/** Emits `setup.mistake`, unless `events` has emitted it with the same `what` and `subject` before. */
export function tellOnce(events: Emitter, what: EventMap['setup.mistake']['what'], subject: string): void {
  const known = told.get(events) ?? new Set();
  if (known.has(`${what} ${subject}`)) return;
  told.set(events, known.add(`${what} ${subject}`));
  events.emit('setup.mistake', () => ({ what, subject }));
}
