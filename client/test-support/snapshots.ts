/** For tests: snapshots of every kind, made by core's own transitions. */

import type { Progress, Snapshot } from '../../core/tasks/snapshot.ts';
import { createSnapshot } from '../../core/tasks/snapshot.ts';
import { type TaskEvent, transition } from '../../core/tasks/transition.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');

/** ISO time, `seconds` after 2026-01-01T00:00:00Z. */
export function at(seconds: number): string {
  return new Date(START + seconds * 1_000).toISOString();
}

/** A queued task. Ids sort like `number`. */
export function queued(number: number, title = `Task ${number}`, seconds = 0): Snapshot {
  const id = `task-${String(number).padStart(4, '0')}`;
  return createSnapshot({ id, name: 'import-contacts', title, attempts: 3, at: at(seconds) });
}

/** `snapshot` after `events`, each of which must be allowed. */
export function evolve(snapshot: Snapshot, ...events: readonly TaskEvent[]): Snapshot {
  return events.reduce((task, event) => {
    const next = transition(task, event);
    if (!next.ok) throw new Error(`${event.type} was refused: ${next.refusal}`);
    return next.snapshot;
  }, snapshot);
}

/** A task that started, and made this progress, `seconds` after the start of all tests. */
export function running(number: number, progress?: Progress, seconds = 0): Snapshot {
  const started = evolve(queued(number), { type: 'start', at: at(seconds) });
  if (!progress) return started;
  return evolve(started, { type: 'progress', at: at(seconds), attempt: 1, progress });
}

/** A task that succeeded `seconds` after the start of all tests. */
export function succeeded(number: number, result: unknown = null, seconds = 1): Snapshot {
  return evolve(running(number), { type: 'succeed', at: at(seconds), attempt: 1, result });
}

/** A task that failed for good `seconds` after the start of all tests. */
export function failed(number: number, message = 'The file has no column named "email".', seconds = 1): Snapshot {
  const error = { code: 'no_email_column', message, retryable: false };
  return evolve(running(number), { type: 'fail', at: at(seconds), attempt: 1, error });
}
