// What always holds of a task, over random sequences of events.
import { isDeepStrictEqual } from 'node:util';
import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import { anyEventSeed, deepFreeze, eventFor, newTask, SNAPSHOT_KEYS } from '../../test/support/task-events.ts';
import { waitsForChildren } from './children.ts';
import { isFinished, type Snapshot } from './snapshot.ts';
import { type TaskEvent, transition } from './transition.ts';

describe('over any sequence of events', () => {
  /** Checks a rule for each change of 500 sequences. Rules compare by plain code: `expect` would be called 50,000 times. */
  const check = (isKept: (before: Snapshot, now: Snapshot, event: TaskEvent) => boolean) =>
    fc.assert(
      fc.property(fc.array(anyEventSeed, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), (seeds, attempts) => {
        let task: Snapshot = deepFreeze(newTask({ attempts }));
        for (const seed of seeds) {
          const event = deepFreeze(eventFor(task, seed));
          const moved = transition(task, event);
          if (!moved.ok) continue;
          deepFreeze(moved.snapshot);
          if (!isKept(task, moved.snapshot, event)) throw new Error(JSON.stringify([task, event, moved.snapshot]));
          task = moved.snapshot;
        }
      }),
      { numRuns: 500 },
    );

  it('the revision grows by exactly one, and time does not go back', () => {
    check((before, now) => now.revision === before.revision + 1 && now.updatedAt >= before.updatedAt);
  });

  it('a rate goes on from the same count and time, unless the worker reports', () => {
    check((before, now, { type }) => {
      if (now.progress?.rate === undefined || type === 'progress' || type === 'alive') return true;
      return now.updatedAt === before.updatedAt && isDeepStrictEqual(now.progress, before.progress);
    });
  });

  it('an outcome stays: it is only seen, and only once', () => {
    check((before, now, event) => {
      if (!isFinished(before)) return true;
      const seen = { ...before, revision: now.revision, updatedAt: now.updatedAt, seenAt: event.at };
      return event.type === 'see' && before.seenAt === null && isDeepStrictEqual({ ...now }, seen);
    });
  });

  it('progress does not go back within an attempt and stage', () => {
    check((before, now) => {
      const from = before.progress;
      const to = now.progress;
      if (from === null || before.attempt !== now.attempt) return true;
      // Handed back: what was shown is held by the store until the next run starts.
      if (now.status === 'retrying') return to === null;
      return to !== null && (to.stage !== from.stage || to.done >= from.done);
    });
  });

  it('children do not become fewer; while a task waits for them, no attempt changes it any more', () => {
    check((before, now, event) => {
      const [old, next] = [before.children, now.children];
      if (old && !(next && next.total >= old.total && next.ended >= old.ended && next.failed >= old.failed))
        return false;
      return !waitsForChildren(before) || ['children', 'cancel', 'see'].includes(event.type);
    });
  });

  it('nothing active looks complete', () => {
    check((_before, now) => {
      const { progress } = now;
      return isFinished(now) || progress === null || progress.total === null || progress.done < progress.total;
    });
  });

  it('what was skipped and what failed are parts of what is done', () => {
    check(
      (_before, { progress }) => progress === null || (progress.skipped ?? 0) + (progress.failed ?? 0) <= progress.done,
    );
  });

  it('an attempt that is over changes nothing', () => {
    check((before, _now, event) => !('attempt' in event) || event.attempt === before.attempt);
  });

  it('a snapshot keeps exactly the keys of the contract, and what identifies the task', () => {
    check((before, now) => {
      const optional = ['waitingFor', 'children'].filter((key) => key in now);
      return (
        isDeepStrictEqual(Object.keys(now).sort(), [...SNAPSHOT_KEYS, ...optional].sort()) &&
        (['id', 'name', 'title', 'createdAt', 'retryOf'] as const).every((key) => now[key] === before[key]) &&
        now.attempt >= before.attempt &&
        now.attempt <= now.attempts &&
        (now.finishedAt !== null) === isFinished(now) &&
        (now.error !== null) === (now.status === 'failed' || now.status === 'retrying')
      );
    });
  });
});
