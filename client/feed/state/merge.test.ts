// Snapshots that arrive doubled, late or in any order are merged into one list.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { type TaskEvent, transition } from '../../../core/tasks/transition.ts';
import { at, evolve, queued, running, succeeded } from '../../test-support/snapshots.ts';
import {
  findTask,
  isGone,
  listOfUser,
  markGone,
  markSeen,
  mergeSnapshots,
  NO_TASKS,
  type TaskList,
  trimTasks,
} from './merge.ts';

/** The whole history of a task: every snapshot the server ever had, from its creation to where chance ends it. */
const history = (number: number) =>
  fc
    .array(fc.constantFrom('start', 'progress', 'alive', 'succeed', 'fail', 'cancel', 'stop', 'see'), { maxLength: 14 })
    .map((types) => {
      const all: Snapshot[] = [queued(number)];
      for (const [step, type] of types.entries()) {
        const task = all.at(-1) as Snapshot;
        const event = {
          type,
          at: at(step + 1),
          attempt: task.attempt,
          progress: { done: step, total: 99 },
          result: { n: step },
          error: { code: 'broken', message: 'It broke.', retryable: step % 2 === 0 },
        } as unknown as TaskEvent;
        const next = transition(task, event);
        if (next.ok) all.push(next.snapshot);
      }
      return all;
    });

/** The snapshot as a message carries it if its result is too big for one. */
const withOmitted = (snapshot: Snapshot): Snapshot =>
  snapshot.status === 'succeeded' ? { ...snapshot, result: null, resultOmitted: true } : snapshot;

describe('a list', () => {
  const anyTasks = fc.uniqueArray(fc.tuple(fc.nat(99), fc.constantFrom('running', 'unseen', 'seen')), {
    selector: ([number]) => number,
  });
  const toTask = ([number, kind]: readonly [number, string]) =>
    kind === 'running'
      ? running(number)
      : evolve(succeeded(number), ...(kind === 'seen' ? [{ type: 'see', at: at(9) } as const] : []));

  it("is one user's: what is another's is not merged into it", () => {
    fc.assert(
      fc.property(anyTasks, anyTasks, (own, others) => {
        const list = mergeSnapshots(listOfUser(NO_TASKS, 'private-user-ada'), own.map(toTask));
        expect(mergeSnapshots(list, others.map(toTask), 'private-user-bea')).toBe(list);
        expect(mergeSnapshots(list, others.map(toTask), null)).toBe(list);
        expect(listOfUser(list, 'private-user-ada')).toBe(list);
        expect(listOfUser(list, 'private-user-bea')).toEqual({ ...NO_TASKS, channel: 'private-user-bea' });
        expect(listOfUser(list, null)).toEqual(NO_TASKS);
      }),
    );
  });

  it('lets go of outcomes only: those that were seen before others, and the oldest before later ones', () => {
    fc.assert(
      fc.property(anyTasks, fc.nat(20), (all, most) => {
        const list = mergeSnapshots(NO_TASKS, all.map(toTask));
        const trimmed = trimTasks(list, most);
        const gone = list.tasks.filter(({ id }) => !findTask(trimmed, id));
        const finished = trimmed.tasks.filter(isFinished);
        expect(trimmed.tasks.length + gone.length).toBe(list.tasks.length);
        expect(finished.length).toBe(Math.min(most, list.tasks.filter(isFinished).length));
        for (const task of gone) {
          expect(isFinished(task)).toBe(true);
          const older = finished.filter((kept) => kept.id < task.id && !kept.seenAt === !task.seenAt);
          expect(older).toEqual([]);
          if (!task.seenAt) expect(finished.every((kept) => !kept.seenAt)).toBe(true);
        }
        for (const task of trimmed.tasks) expect(findTask(trimmed, task.id)).toBe(task);
        expect(trimTasks(trimmed, most)).toBe(trimmed);
      }),
    );
  });
});

describe('merging', () => {
  it('ends in the same state whatever is doubled or reordered, as long as the last snapshot came once', () => {
    const histories = fc.tuple(history(1), history(2), history(3));
    const deliveries = histories.chain((tasks) => {
      const all = tasks.flat();
      const noise = fc.array(fc.constantFrom(...all), { maxLength: 30 });
      const lasts = tasks.map((snapshots) => snapshots.at(-1) as Snapshot);
      return fc.tuple(
        fc.constant(lasts),
        noise.chain((more) => fc.shuffledSubarray([...lasts, ...more], { minLength: lasts.length + more.length })),
        fc.integer({ min: 1, max: 5 }),
      );
    });
    fc.assert(
      fc.property(deliveries, ([lasts, sent, width]) => {
        let list: TaskList = NO_TASKS;
        for (let from = 0; from < sent.length; from += width)
          list = mergeSnapshots(list, sent.slice(from, from + width));
        expect(list.tasks).toEqual([...lasts].reverse());
      }),
    );
  });

  it('never goes back: revisions only grow and outcomes stay', () => {
    const deliveries = history(1).chain((all) => fc.array(fc.constantFrom(...all), { minLength: 1, maxLength: 40 }));
    fc.assert(
      fc.property(deliveries, (sent) => {
        let list: TaskList = NO_TASKS;
        for (const snapshot of sent) {
          const before = list.tasks[0];
          list = mergeSnapshots(list, [snapshot]);
          const now = list.tasks[0] as Snapshot;
          if (!before) continue;
          expect(now.revision).toBeGreaterThanOrEqual(before.revision);
          if (isFinished(before)) expect(now.status).toBe(before.status);
          if (now.revision === before.revision) expect(now).toBe(before);
        }
      }),
    );
  });

  it('keeps a result that one copy has and another omits, in either order and across revisions', () => {
    const whole = succeeded(1, { imported: 839 });
    const seen = evolve(whole, { type: 'see', at: at(5) });
    for (const order of [
      [whole, withOmitted(whole)],
      [withOmitted(whole), whole],
      [whole, withOmitted(seen)],
      [withOmitted(seen), whole],
    ]) {
      const [task] = mergeSnapshots(NO_TASKS, order).tasks;
      expect(task).toMatchObject({ result: { imported: 839 }, resultOmitted: false });
      expect(task?.revision).toBe(Math.max(...order.map(({ revision }) => revision)));
    }
  });

  it('keeps an outcome whatever claims to have come after it', () => {
    const late = { ...running(1), revision: 99 } as Snapshot;
    for (const order of [
      [succeeded(1), late],
      [late, succeeded(1)],
    ]) {
      expect(mergeSnapshots(NO_TASKS, order).tasks).toEqual([succeeded(1)]);
    }
  });

  it('keeps the identity of the list and of every task that did not change', () => {
    const list = mergeSnapshots(NO_TASKS, [running(1), running(2)]);
    expect(mergeSnapshots(list, [running(1), queued(2)])).toBe(list);
    const next = mergeSnapshots(list, [succeeded(2)]);
    expect(next.tasks[1]).toBe(list.tasks[1]);
    expect(next.tasks[0]?.status).toBe('succeeded');
  });

  it('shows the newest first', () => {
    const list = mergeSnapshots(mergeSnapshots(NO_TASKS, [queued(2), queued(1)]), [queued(3)]);
    expect(list.tasks.map(({ id }) => id)).toEqual(['task-0003', 'task-0002', 'task-0001']);
  });
});

describe('seen', () => {
  it('marks outcomes, also those that arrive after it', () => {
    const early = markSeen(NO_TASKS, ['task-0001'], at(9));
    expect(mergeSnapshots(early, [succeeded(1)]).tasks[0]?.seenAt).toBe(at(9));
    const known = markSeen(mergeSnapshots(NO_TASKS, [succeeded(1)]), ['task-0001'], at(9));
    expect(known.tasks[0]?.seenAt).toBe(at(9));
    expect(markSeen(known, ['task-0001'], at(10))).toBe(known);
  });

  it('does not mark a task that still runs', () => {
    const list = markSeen(mergeSnapshots(NO_TASKS, [running(1)]), ['task-0001'], at(9));
    expect(list.tasks[0]?.seenAt).toBeNull();
  });
});

describe('a record that is gone', () => {
  it('is shown as failed, and gives way when the server shows the task again', () => {
    const gone = markGone(mergeSnapshots(NO_TASKS, [running(1)]), 'task-0001', at(9));
    const task = gone.tasks[0] as Snapshot;
    expect(task).toMatchObject({ status: 'failed', error: { retryable: false } });
    expect(isGone(task)).toBe(true);
    expect(mergeSnapshots(gone, [queued(1)])).toBe(gone);
    expect(mergeSnapshots(gone, [running(1)]).tasks[0]).toMatchObject({ status: 'running', error: null });
    expect(mergeSnapshots(gone, [succeeded(1)]).tasks[0]?.status).toBe('succeeded');
  });
});
