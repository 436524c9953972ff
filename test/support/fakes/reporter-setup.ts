// A reporter with stand-ins for the store, the turns and the time: no Redis, no waiting. For the tests of the reporter.
import { Events } from '../../../backend/events/events.ts';
import type { StoredCheckpoint } from '../../../backend/store/record.ts';
import { LookTimer } from '../../../worker/progress/look-timer.ts';
import { Reporter } from '../../../worker/progress/reporter.ts';
import { recordLog } from '../log.ts';
import { time as at } from '../task-events.ts';
import { FakeTime } from './fake-time.ts';
import { FakeChanges, FakeTurns, startedRecord } from './fake-worker-ports.ts';

/** A sign of life is due after this time without a write, in ms. */
export const SIGN_MS = 5_000;
/** A signal that never aborts. */
export const never = new AbortController().signal;

/**
 * Starts a reporter of a first attempt.
 *
 * @param checkpoint what an earlier run has stored
 */
export function setUpReporter({ watched = true, checkpoint = null as StoredCheckpoint | null } = {}) {
  const time = new FakeTime();
  const record = { ...startedRecord({ name: 'any', attempts: 3 }), checkpoint };
  const changes = new FakeChanges(record.snapshot);
  changes.watched = watched;
  const turns = new FakeTurns(time);
  const log = recordLog();
  const told: string[] = [];
  const reporter = new Reporter({
    ports: {
      ...{ changes, turns, lookTimer: new LookTimer(time), accuracy: 0.01, time, events: new Events(log) },
      clock: { iso: () => at(time.elapsed() / 1_000) },
    },
    record,
    watched,
    onStale: () => told.push('stale'),
    onCancelling: () => told.push('cancelling'),
  });
  return {
    ...{ reporter, time, changes, turns, log, told, record },
    /** How many elements are done, by each event that was stored; its type where it is no progress. */
    stored: () => changes.events.map((event) => (event.type === 'progress' ? event.progress.done : event.type)),
    /** The same by each snapshot that was pushed; its status where it has no progress. */
    pushed: () => changes.pushed.map(({ status, progress }) => progress?.done ?? status),
    /** The checkpoints that were stored, as JSON. */
    checkpoints: () => changes.options.flatMap((options) => options.checkpoint ?? []),
  };
}

/** From now on the store applies nothing, until `open` is called. */
export function hold(changes: FakeChanges): { open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  changes.before = () => opened;
  return { open: () => open() };
}

/** The event by which the first attempt succeeds now. */
export const succeed = (time: FakeTime) =>
  ({ type: 'succeed', at: at(time.elapsed() / 1_000), attempt: 1, result: 1 }) as const;
