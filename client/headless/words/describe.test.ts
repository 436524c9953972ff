import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { OutcomeSnapshot, Snapshot } from '../../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../../core/tasks/transition.ts';
import { markGone, mergeSnapshots, NO_TASKS } from '../../feed/state/merge.ts';
import { at, evolve, failed, queued, running, succeeded } from '../../test-support/snapshots.ts';
import { announce } from '../announce.ts';
import { remember, type TaskMemory } from '../memory.ts';
import { describeTask, type RowView } from './describe.ts';
import { ENGLISH } from './wording.ts';

interface Given {
  readonly now?: number;
  readonly isStale?: boolean;
  readonly isRetried?: boolean;
}

/** What is said about the last of `snapshots` at `now`, in seconds after the start. */
function view(
  snapshots: Snapshot | readonly Snapshot[],
  { now = 2, isStale = false, isRetried = false }: Given = {},
): RowView {
  const all = [snapshots].flat() as Snapshot[];
  const memory = all.reduce<TaskMemory | undefined>((before, one) => remember(before, one), undefined);
  if (!memory) throw new Error('no snapshot');
  const context = { wording: ENGLISH, now: Date.parse(at(now)), isStale, isRetried, base: 'http://localhost:3000/' };
  return describeTask(memory, context);
}

/** The task after a report, `seconds` after the start. */
const progress = (task: Snapshot, seconds: number, done: number, total: number | null = 256) =>
  evolve(task, { type: 'progress', at: at(seconds), attempt: task.attempt, progress: { done, total } });

describe('a row', () => {
  it('does not show a queued task as 0 %', () => {
    expect(view(queued(1))).toMatchObject({ status: 'Waiting to start', bar: null, facts: [], action: 'cancel' });
  });

  it('says how many tasks are ahead of a queued one, where that is known and news comes in', () => {
    const place = (ahead: number) => ({ ...queued(1), queue: { ahead } }) as Snapshot;
    expect(view(place(1_203))).toMatchObject({ status: 'Waiting to start', facts: ['1,203 ahead of you'] });
    expect(view(place(0)).facts).toEqual(['next in line']);
    expect(view(place(3), { isStale: true }).facts).toEqual([]);
    expect(view({ ...place(3), waitingFor: 'worker' } as Snapshot).facts).toEqual([]);
  });

  it('says when a task is to start, by the clock on the wall and with the day if it is another one', () => {
    const startsAt = new Date(2026, 0, 31, 14, 30);
    const task = { ...queued(1), startsAt: startsAt.toISOString() } as Snapshot;
    const seen = (...date: readonly [day: number, hour: number, minute: number]) => {
      const now = (new Date(2026, 0, ...date).getTime() - Date.parse(at(0))) / 1_000;
      const { status, tone, isTicking, action } = view(task, { now });
      return [status, tone, isTicking, action];
    };
    expect(seen(31, 0, 0)).toEqual(['Starts at 14:30', 'waiting', true, 'cancel']);
    expect(seen(31, 14, 29)).toEqual(['Starts at 14:30', 'waiting', true, 'cancel']);
    expect(seen(30, 23, 59)).toEqual(['Starts on Jan 31, 2026, 14:30', 'waiting', true, 'cancel']);
    // From then on it is one of those that wait for their turn.
    expect(seen(31, 14, 30)).toEqual(['Waiting to start', 'waiting', false, 'cancel']);
    expect(ENGLISH.startsAt(new Date(2026, 0, 31, 0, 5).getTime(), startsAt.getTime())).toBe('Starts at 00:05');
  });

  it('says how far a running task is, and never draws it full', () => {
    expect(view(running(1, { done: 42, total: 256 }))).toMatchObject({
      status: 'Running',
      facts: ['42 of 256'],
      bar: { fraction: 42 / 256, text: '42 of 256' },
    });
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (done, total) => {
        const { bar } = view(running(1, { done, total }));
        // A bar of 99 % looks full, so it stops at 98.5 %.
        expect(bar?.fraction ?? 0).toBeLessThan(0.99);
      }),
    );
  });

  it('says what is done where there is no total, with a bar that knows no length', () => {
    expect(view(running(1, { done: 1_042, total: null }))).toMatchObject({
      facts: ['1,042 done'],
      bar: { fraction: null },
    });
  });

  it('says that there is more to do than was thought, for a while, when the bar goes back', () => {
    const first = progress(running(1), 1, 90, 100);
    const grown = progress(first, 2, 91, 1_000);
    expect(view([first, grown], { now: 3 })).toMatchObject({
      facts: ['91 of 1,000'],
      bar: { fraction: 0.091 },
      remarks: ['More was found: 1,000 in all'],
    });
    const later = progress(grown, 15, 100, 1_000);
    expect(view([first, grown, later], { now: 16 }).remarks).toEqual(['More was found: 1,000 in all']);
    expect(view([first, grown, later], { now: 18 }).remarks).toEqual([]);
    // It says nothing where the bar goes back too little to be seen, nor in another attempt, nor of an outcome.
    expect(view([first, progress(first, 2, 91, 103)], { now: 3 }).remarks).toEqual([]);
    const error = { code: 'x', message: 'x', retryable: true };
    const again = evolve(
      first,
      { type: 'fail', at: at(2), attempt: 1, error, retryAt: at(3) },
      { type: 'start', at: at(3) },
    );
    expect(view([first, progress(again, 4, 1, 100)], { now: 5 }).remarks).toEqual(['Restarted, attempt 2 of 3']);
    const resumed = {
      type: 'progress',
      at: at(4),
      attempt: 2,
      progress: { done: 1_250, total: 5_000, from: 1_200 },
    } as const;
    const remarks = view([first, evolve(again, resumed)], { now: 5 }).remarks;
    expect(remarks).toEqual(['Went on from 1,200, attempt 2 of 3']);
    const done = evolve(grown, { type: 'succeed', at: at(3), attempt: 1, result: null });
    expect(view([first, grown, done], { now: 4 }).remarks).toEqual([]);
  });

  it('says that there is more to do also where many small steps take the bar back, or the total is not known any more', () => {
    let task = progress(running(1), 1, 900, 1_000);
    const all = [task];
    for (let step = 1; step <= 10; step++) {
      task = progress(task, 1 + step, 900 + step, 1_000 + 10 * step);
      all.push(task);
    }
    expect(view(all, { now: 12 }).remarks).toEqual(['More was found: 1,100 in all']);
    const unknown = progress(all[0] as Snapshot, 2, 901, null);
    expect(unknown.progress?.total).toBeNull();
    expect(view([all[0] as Snapshot, unknown], { now: 3 })).toMatchObject({
      facts: ['901 done'],
      bar: { fraction: null },
      remarks: ['More was found'],
    });
  });

  it('hides the time left until the new pace is known', () => {
    const seconds = (from: number, to: number, total: number) =>
      Array.from({ length: to - from + 1 }, (_, n) => progress(running(1), from + n, (from + n) * 10, total));
    const before = seconds(0, 9, 100);
    expect(view(before, { now: 9 }).facts).toContain('about 5 s left');
    const grown = [...before, ...seconds(10, 14, 1_000)];
    expect(view(grown, { now: 14 }).facts).toEqual(['140 of 1,000']);
    expect(view([...grown, ...seconds(15, 17, 1_000)], { now: 17 }).facts[1]).toBe('about 2 min left');
  });

  it('says that a task waits for a worker that can do it, and offers to cancel it', () => {
    const waiting = (task: Snapshot) => Object.assign({}, task, { waitingFor: 'worker' });
    expect(view(waiting(queued(1)))).toMatchObject({
      status: 'Waiting for a worker that can do this',
      tone: 'warning',
      action: 'cancel',
      isSlow: true,
    });
    const error = { code: 'db', message: 'Away.', retryable: true };
    const retrying = evolve(running(1), { type: 'fail', at: at(1), attempt: 1, error, retryAt: at(9) });
    expect(view(waiting(retrying))).toMatchObject({
      status: 'Trying again',
      facts: ['attempt 2 of 3'],
      action: 'cancel',
      isSlow: true,
      remarks: ['Waiting for a worker that can do this', 'Away.'],
    });
    // A worker runs the task by now, whatever a late message says.
    expect(view(waiting(running(1)))).toMatchObject({ status: 'Running', isSlow: false });
  });

  it.each([['constructor'], ['toString'], ['__proto__'], ['hasOwnProperty']])(
    'takes the error code %s for a text like any other',
    (code) => {
      const task = failed(1, 'It broke.');
      const odd = { ...task, error: { ...task.error, code } } as Snapshot;
      expect(view(odd).remarks).toEqual(['It broke.']);
    },
  );

  it('says stage and note', () => {
    const task = running(1, { done: 3, total: 9, stage: 'sendMails', note: 'Berlin' });
    expect(view(task)).toMatchObject({ status: 'Send mails', remarks: ['Berlin'] });
  });

  it('tells "working, no news" from "no sign of the worker"', () => {
    const task = progress(running(1), 1, 42);
    expect(view(task, { now: 9 }).remarks).toEqual([]);
    const alive = evolve(task, { type: 'alive', at: at(20), attempt: 1 });
    expect(view([task, alive], { now: 28 })).toMatchObject({
      tone: 'active',
      remarks: ['Still going, last sign 8 s ago'],
    });
    expect(view([task, alive], { now: 50 })).toMatchObject({
      tone: 'warning',
      remarks: ['No sign of the worker for 30 s'],
    });
  });

  it('counts from 0 the children that a task waits for, and does not claim meanwhile that its worker is silent', () => {
    const news = (ended: number, failed = 0): TaskEvent => {
      const children = { total: 60, ended, failed };
      return { type: 'children', at: at(5), children, returned: null, onChildFailure: 'ignore' };
    };
    const working = progress(evolve(running(1), news(0)), 2, 59, 60);
    const waiting = evolve(working, { type: 'succeed', at: at(4), attempt: 1, result: null });
    expect(view([working, waiting], { now: 4 })).toMatchObject({
      status: 'Running',
      facts: ['0 of 60'],
      bar: { fraction: 0 },
      remarks: [],
      action: 'cancel',
    });
    const subjects = [working, waiting].map((task) => view(task).bar?.subject);
    expect(new Set(subjects).size).toBe(2);
    const later = [working, waiting, evolve(waiting, news(7, 1))];
    expect(view(later, { now: 3_600 })).toMatchObject({
      tone: 'active',
      isStale: false,
      facts: ['7 of 60', '1 failed'],
      remarks: [],
    });
    expect(view(later, { now: 65, isStale: true }).remarks).toEqual(['Last news 1 min ago']);
  });

  it('does not blame the worker for a connection that is away', () => {
    const task = progress(running(1), 1, 42);
    expect(view(task, { now: 61, isStale: true })).toMatchObject({
      tone: 'active',
      isStale: true,
      remarks: ['Last news 1 min ago'],
    });
  });

  it('says that it takes longer than usual', () => {
    const task = evolve(queued(1), { type: 'start', at: at(0), expectedAt: at(8) });
    expect(view(task, { now: 7 }).isSlow).toBe(false);
    expect(view(task, { now: 9 })).toMatchObject({ isSlow: true, remarks: ['Taking longer than usual'] });
  });

  it('counts down to the next attempt, with the reason', () => {
    const error = { code: 'db', message: 'The database did not answer.', retryable: true };
    const task = evolve(running(1), { type: 'fail', at: at(1), attempt: 1, error, retryAt: at(14) });
    expect(view(task)).toMatchObject({
      status: 'Trying again',
      tone: 'warning',
      remarks: ['The database did not answer.'],
      action: 'cancel',
      facts: ['attempt 2 of 3', 'starts in 12 s'],
    });
    expect(view(task, { now: 15 }).facts).toEqual(['attempt 2 of 3', 'starts any moment']);
    const again = evolve(task, { type: 'start', at: at(15) });
    expect(view(again, { now: 15 }).remarks).toEqual(['Restarted, attempt 2 of 3']);
  });

  it('says that a success has exceptions', () => {
    const last = { done: 842, total: 842, skipped: 3 };
    const task = evolve(running(1), { type: 'succeed', at: at(1), attempt: 1, result: null, progress: last });
    const { segments, ...said } = view(task);
    expect(said).toMatchObject({ status: 'Done, with exceptions', tone: 'partial', bar: null });
    expect(said.facts).toEqual(['839 done', '3 skipped', 'just now']);
    expect(segments?.map((share) => Math.round(share * 842))).toEqual([839, 3, 0]);
  });

  it('shows the numbers and links of a result', () => {
    const result = { imported: 839, skipped: 3, downloadUrl: '/reports/7', note: 'x' };
    expect(view(succeeded(1, result), { now: 3_601 })).toMatchObject({
      status: 'Done',
      tone: 'good',
      facts: ['839 imported', '3 skipped', '1 h ago'],
      action: null,
      links: [{ label: 'Download', href: '/reports/7' }],
    });
  });

  it('says why a task failed and offers to do it again, once', () => {
    expect(view(failed(1, 'No column "email".'))).toMatchObject({
      status: 'Failed',
      tone: 'bad',
      remarks: ['No column "email".'],
      action: 'retry',
    });
    expect(view(failed(1), { isRetried: true })).toMatchObject({ action: null });
  });

  it('explains an error in other words where there are some', () => {
    const wording = { ...ENGLISH, errors: { no_email_column: 'Die Spalte "email" fehlt.' } };
    const context = { wording, now: Date.parse(at(2)), isStale: false, isRetried: false, base: 'http://localhost/' };
    expect(describeTask(remember(undefined, failed(1)), context).remarks).toEqual(['Die Spalte "email" fehlt.']);
    expect(announce([failed(1) as OutcomeSnapshot], wording)).toBe('Failed: Task 1. Die Spalte "email" fehlt.');
  });

  it('offers nothing where the record is gone', () => {
    const list = markGone(mergeSnapshots(NO_TASKS, [running(1)]), 'task-0001', at(9));
    expect(view(list.tasks[0] as Snapshot)).toMatchObject({ status: 'Failed', action: null });
  });

  it('is neutral about what was cancelled', () => {
    const task = evolve(queued(1), { type: 'cancel', at: at(1) });
    expect(view(task)).toMatchObject({ status: 'Cancelled', tone: 'neutral', facts: ['just now'], action: 'retry' });
  });

  it('shows the time left once the pace is reliable, and hides it when it is not', () => {
    let all = [progress(running(1), 0, 0, 100)];
    for (let second = 1; second <= 8; second++)
      all = [...all, progress(all.at(-1) as Snapshot, second, second * 2, 100)];
    expect(view(all.slice(0, 3), { now: 2 }).facts).toEqual(['4 of 100']);
    expect(view(all, { now: 8 }).facts).toEqual(['16 of 100', 'about 50 s left']);
    expect(view(all, { now: 20 }).facts).toEqual(['16 of 100']);
    expect(view(all, { now: 8, isStale: true }).facts).toEqual(['16 of 100']);
  });
});
