import { describe, expect, it } from '@jest/globals';
import { deepFreeze, FAILURE, move, newTask, SNAPSHOT_KEYS, time } from '../../test/support/task-events.ts';
import { MAX_ERROR_CODE_LENGTH, MAX_ERROR_MESSAGE_LENGTH } from '../limits.ts';
import { isOutcome, type QueuedSnapshot, type Snapshot, STATUSES, type Status } from './snapshot.ts';
import { canCancel, canRetry, type Refusal, type TaskEvent, transition } from './transition.ts';

const queued = newTask();
const running = move(queued, { type: 'start', at: time(1) });
const cancelling = move(running, { type: 'cancel', at: time(2) });
/** A snapshot in each status. */
const SNAPSHOT_IN: Readonly<Record<Status, Snapshot>> = {
  queued,
  running,
  retrying: move(running, { type: 'fail', at: time(2), attempt: 1, error: FAILURE, retryAt: time(9) }),
  cancelling,
  succeeded: move(running, { type: 'succeed', at: time(2), attempt: 1, result: 7 }),
  failed: move(running, { type: 'fail', at: time(2), attempt: 1, error: { ...FAILURE, retryable: false } }),
  cancelled: move(cancelling, { type: 'stop', at: time(3), attempt: 1 }),
};

type EventType = TaskEvent['type'];

/** An event of each type, of this attempt. */
function event(type: EventType, attempt: number): TaskEvent {
  const at = time(10);
  const progress = { done: 4, total: 9 };
  switch (type) {
    case 'progress':
      return { type, at, attempt, progress };
    case 'succeed':
      return { type, at, attempt, result: { rows: 4 }, progress };
    case 'fail':
      return { type, at, attempt, error: FAILURE, retryAt: time(20), progress };
    case 'release':
      return { type, at, attempt, error: FAILURE };
    case 'alive':
    case 'stop':
      return { type, at, attempt };
    case 'wait':
      return { type, at, for: 'worker' };
    case 'children':
      return { type, at, children: { total: 2, ended: 1, failed: 0 }, returned: null, onChildFailure: 'fail' };
    default:
      return { type, at };
  }
}

const NOT_ALLOWED = 'not_allowed';
/** What every event does in every status, when it comes from the current attempt. */
const TABLE: Readonly<Record<Status, Readonly<Record<EventType, Status | Refusal>>>> = {
  queued: {
    start: 'running',
    wait: 'queued',
    progress: NOT_ALLOWED,
    alive: NOT_ALLOWED,
    succeed: NOT_ALLOWED,
    fail: NOT_ALLOWED,
    release: NOT_ALLOWED,
    cancel: 'cancelled',
    stop: NOT_ALLOWED,
    see: NOT_ALLOWED,
    children: 'queued',
  },
  running: {
    start: NOT_ALLOWED,
    wait: NOT_ALLOWED,
    progress: 'running',
    alive: 'running',
    succeed: 'succeeded',
    fail: 'retrying',
    release: 'retrying',
    cancel: 'cancelling',
    stop: NOT_ALLOWED,
    see: NOT_ALLOWED,
    children: 'running',
  },
  retrying: {
    start: 'running',
    wait: 'retrying',
    progress: NOT_ALLOWED,
    alive: NOT_ALLOWED,
    succeed: NOT_ALLOWED,
    fail: NOT_ALLOWED,
    release: NOT_ALLOWED,
    cancel: 'cancelled',
    stop: NOT_ALLOWED,
    see: NOT_ALLOWED,
    children: 'retrying',
  },
  cancelling: {
    start: NOT_ALLOWED,
    wait: NOT_ALLOWED,
    progress: 'cancelling',
    alive: 'cancelling',
    succeed: 'succeeded',
    fail: 'cancelled',
    release: 'cancelled',
    cancel: NOT_ALLOWED,
    stop: 'cancelled',
    see: NOT_ALLOWED,
    children: 'cancelling',
  },
  succeeded: finalRow('succeeded'),
  failed: finalRow('failed'),
  cancelled: finalRow('cancelled'),
};

/** The row of a status that is an outcome: only `see` changes such a task. */
function finalRow(status: Status): Record<EventType, Status | Refusal> {
  const no = 'final';
  return {
    start: no,
    wait: no,
    progress: no,
    alive: no,
    succeed: no,
    fail: no,
    release: no,
    cancel: no,
    stop: no,
    children: no,
    see: status,
  };
}

const PAIRS = STATUSES.flatMap((status) =>
  (Object.keys(TABLE[status]) as EventType[]).map((type) => ({ status, type, expected: TABLE[status][type] })),
);

describe('every event in every status', () => {
  it.each(PAIRS)('$status, $type: $expected', ({ status, type, expected }) => {
    const task = deepFreeze(structuredClone(SNAPSHOT_IN[status]));
    expect(task.status).toBe(status);
    const moved = transition(task, deepFreeze(event(type, task.attempt)));
    if (!moved.ok) {
      expect(moved.refusal).toBe(expected);
      return;
    }
    expect(moved.snapshot.status).toBe(expected);
    expect(moved.snapshot.revision).toBe(task.revision + 1);
    const { waitingFor, children, ...fields } = moved.snapshot as QueuedSnapshot;
    expect(Object.keys(fields).sort()).toEqual(SNAPSHOT_KEYS);
    expect(children?.total).toBe(type === 'children' ? 2 : undefined);
    expect(waitingFor).toBe(type === 'wait' ? 'worker' : undefined);
    expect(moved.snapshot.finishedAt === null).toBe(!isOutcome(moved.snapshot.status));
  });

  const fromAttempts: EventType[] = ['progress', 'alive', 'succeed', 'fail', 'release', 'stop'];
  it.each(STATUSES.flatMap((status) => fromAttempts.map((type) => ({ status, type }))))(
    '$status, $type of an earlier or later attempt: refused as stale',
    ({ status, type }) => {
      const task = SNAPSHOT_IN[status];
      for (const attempt of [task.attempt - 1, task.attempt + 1, Number.NaN]) {
        expect(transition(task, event(type, attempt))).toEqual({ ok: false, refusal: 'stale_attempt' });
      }
    },
  );
});

describe('a task that no worker handles', () => {
  it.each(['queued', 'retrying'] as const)(
    '%s: says so until a worker handles it, it starts or it is cancelled',
    (status) => {
      const waiting = move(SNAPSHOT_IN[status], { type: 'wait', at: time(10), for: 'worker' });
      expect(waiting).toMatchObject({ status, waitingFor: 'worker' });
      expect(transition(waiting, { type: 'wait', at: time(11), for: 'worker' })).toMatchObject({
        refusal: 'unchanged',
      });
      for (const event of [
        { type: 'wait', at: time(11), for: null },
        { type: 'start', at: time(11) },
        { type: 'cancel', at: time(11) },
      ] as const) {
        expect(Object.keys(move(waiting, event)).sort()).toEqual(SNAPSHOT_KEYS);
      }
    },
  );
});

describe('an attempt', () => {
  const fail = (attempt: number, over: Partial<TaskEvent & { type: 'fail' }> = {}): TaskEvent => ({
    type: 'fail',
    at: time(2),
    attempt,
    error: FAILURE,
    ...over,
  });

  it('that fails is followed by the next until none is left', () => {
    let task: Snapshot = newTask({ attempts: 2 });
    task = move(task, { type: 'start', at: time(1) }, fail(1, { retryAt: time(5) }));
    expect(task).toMatchObject({ status: 'retrying', attempt: 2, attempts: 2, expectedAt: time(5), error: FAILURE });
    task = move(task, { type: 'start', at: time(5) });
    expect(task).toMatchObject({ status: 'running', attempt: 2, error: null, startedAt: time(1) });
    task = move(task, fail(2));
    expect(task).toMatchObject({ status: 'failed', attempt: 2, error: FAILURE, expectedAt: null });
  });

  it('that fails for good ends the task at once', () => {
    expect(move(running, fail(1, { error: { ...FAILURE, retryable: false } })).status).toBe('failed');
  });

  it('that fails with many words keeps to the limits of a snapshot', () => {
    const error = { code: 'c'.repeat(1_000), message: 'm'.repeat(1_000), retryable: true };
    for (const retryable of [true, false]) {
      const { code, message } = move(running, fail(1, { error: { ...error, retryable } })).error ?? FAILURE;
      expect([code.length, message.length]).toEqual([MAX_ERROR_CODE_LENGTH, MAX_ERROR_MESSAGE_LENGTH]);
    }
  });

  it('that was handed back costs none of the attempts', () => {
    const released = move(running, { type: 'release', at: time(2), attempt: 1, error: FAILURE });
    expect(released).toMatchObject({ status: 'retrying', attempt: 1, attempts: 3, progress: null });
    expect(released.attempts - released.attempt).toBe(running.attempts - running.attempt);
  });

  it('that was handed back shows what it had shown when it starts again, until more is done', () => {
    const shown = { done: 4, total: 9 };
    let task = move(running, { type: 'progress', at: time(2), attempt: 1, progress: shown });
    task = move(task, { type: 'release', at: time(3), attempt: 1, error: FAILURE });
    task = move(task, { type: 'start', at: time(4), progress: shown });
    expect(task).toMatchObject({ status: 'running', attempt: 1, progress: shown });
    const report = (done: number): TaskEvent => ({
      type: 'progress',
      at: time(5),
      attempt: 1,
      progress: { done, total: 9 },
    });
    expect(transition(task, report(2))).toEqual({ ok: false, refusal: 'unchanged' });
    expect(move(task, report(5)).progress).toEqual({ done: 5, total: 9 });
  });

  it('starts from no progress, and with what is expected of it', () => {
    const progressed = move(running, event('progress', 1));
    const again = move(progressed, fail(1), { type: 'start', at: time(5), expectedAt: time(50) });
    expect(again).toMatchObject({ progress: null, expectedAt: time(50), signOfLifeAt: time(5) });
  });

  it('that was cancelled but finished all the same has succeeded', () => {
    expect(move(cancelling, event('succeed', 1))).toMatchObject({ status: 'succeeded', result: { rows: 4 } });
  });

  it('that reports the same progress again changes nothing', () => {
    const task = move(running, event('progress', 1));
    expect(transition(task, event('progress', 1))).toEqual({ ok: false, refusal: 'unchanged' });
  });

  it('shows complete only with its outcome', () => {
    const all = { done: 9, total: 9 };
    const reported = move(running, { type: 'progress', at: time(2), attempt: 1, progress: all });
    expect(reported.progress).toEqual({ done: 8, total: 9 });
    const done = move(reported, { type: 'succeed', at: time(3), attempt: 1, result: null, progress: all });
    expect(done.progress).toEqual(all);
  });
});

describe('an outcome', () => {
  it('is seen once', () => {
    const seen = move(SNAPSHOT_IN.succeeded, { type: 'see', at: time(20) });
    expect(seen).toMatchObject({ status: 'succeeded', result: 7, seenAt: time(20), finishedAt: time(2) });
    expect(transition(seen, { type: 'see', at: time(30) })).toEqual({ ok: false, refusal: 'unchanged' });
  });

  it('that returned nothing has null as its result', () => {
    expect(move(running, { type: 'succeed', at: time(2), attempt: 1, result: undefined }).result).toBeNull();
  });
});

describe('the rate of a task', () => {
  const report = { done: 4, total: 9, rate: 2 };
  const moving = move(running, { type: 'progress', at: time(2), attempt: 1, progress: report });

  it('comes with progress and with a sign of life; the same progress again is then a change', () => {
    expect(moving.progress).toEqual(report);
    const again = move(moving, { type: 'progress', at: time(3), attempt: 1, progress: report });
    expect(again).toMatchObject({ progress: report, updatedAt: time(3), revision: moving.revision + 1 });
    const alive = move(moving, { type: 'alive', at: time(3), attempt: 1, progress: { ...report, done: 5 } });
    expect(alive).toMatchObject({ progress: { done: 5, rate: 2 }, updatedAt: time(3), signOfLifeAt: time(3) });
  });

  it('goes on from the same time when children are counted anew, so that no bar stands or starts again', () => {
    const children = { total: 3, ended: 1, failed: 0 };
    const counted = move(moving, { type: 'children', at: time(5), children, returned: null, onChildFailure: 'fail' });
    expect(counted).toMatchObject({ progress: report, updatedAt: time(2), revision: moving.revision + 1, children });
  });

  it('is dropped by every change to the attempt that brings no new count', () => {
    const still = { done: 4, total: 9 };
    const base = { at: time(3), attempt: 1 } as const;
    const final = { ...FAILURE, retryable: false };
    const events: TaskEvent[] = [
      { type: 'alive', ...base },
      { type: 'cancel', at: time(3) },
      { type: 'succeed', ...base, result: 1 },
      { type: 'succeed', ...base, result: 1, progress: report },
      { type: 'fail', ...base, error: final },
    ];
    for (const one of events) expect([one.type, move(moving, one).progress]).toEqual([one.type, still]);
    const cancelling = move(moving, { type: 'cancel', at: time(3) });
    for (const one of [{ type: 'stop', ...base } as const, { type: 'release', ...base, error: FAILURE } as const]) {
      expect([one.type, move(cancelling, one).progress]).toEqual([one.type, still]);
    }
    const released = move(moving, { type: 'release', ...base, error: FAILURE });
    expect(released.progress).toBeNull();
    expect(move(released, { type: 'start', at: time(4), progress: report }).progress).toEqual(still);
  });
});

describe('what an owner may ask for', () => {
  it('is what the transitions allow', () => {
    for (const status of STATUSES) {
      expect({ status, cancel: canCancel(status) }).toEqual({
        status,
        cancel: transition(SNAPSHOT_IN[status], { type: 'cancel', at: time(10) }).ok,
      });
    }
    expect(STATUSES.filter(canRetry)).toEqual(['failed', 'cancelled']);
  });
});
