// What becomes of a task whose handler has started children: it waits for them, and they end it.
import { describe, expect, it } from '@jest/globals';
import { deepFreeze, FAILURE, move, newTask, time } from '../../test/support/task-events.ts';
import type { FamilyState } from './children.ts';
import { isFinished, type Snapshot } from './snapshot.ts';
import { type TaskEvent, transition } from './transition.ts';

const START: TaskEvent = { type: 'start', at: time(1) };
const SUCCEED: TaskEvent = { type: 'succeed', at: time(3), attempt: 1, result: { rows: 4 } };
const CANCEL: TaskEvent = { type: 'cancel', at: time(4) };
const RETURNED = { result: { rows: 4 } };

/** News of a parent's children. `returned: null` says that its handler has not returned, or was stopped. */
function news(total: number, ended: number, failed = 0, more: Partial<FamilyState> = {}): TaskEvent {
  const children = { total, ended, failed };
  return { type: 'children', at: time(5), children, returned: null, onChildFailure: 'fail', ...more };
}

/** A task that runs, with three children that have not ended, after `events`. */
const parent = (...events: TaskEvent[]): Snapshot => deepFreeze(move(newTask(), START, news(3, 0), ...events));

describe('a task with children', () => {
  it('waits for them when its handler has returned, and its bar counts them', () => {
    const task = parent({ type: 'progress', at: time(2), attempt: 1, progress: { done: 50, total: 60 } }, SUCCEED);
    expect(task).toMatchObject({ status: 'running', waitingFor: 'children', result: null, finishedAt: null });
    expect(task.progress).toEqual({ stage: 'children', done: 0, total: 3 });
    const later = move(task, news(3, 2, 1, { onChildFailure: 'ignore' }));
    expect(later).toMatchObject({ progress: { done: 2, total: 3, failed: 1 }, signOfLifeAt: time(5) });
  });

  it('shows only their number while its handler runs or it waits for its next attempt', () => {
    const running = parent();
    expect(running).toMatchObject({ status: 'running', progress: null, children: { total: 3, ended: 0, failed: 0 } });
    const retrying = parent({ type: 'fail', at: time(2), attempt: 1, error: FAILURE, retryAt: time(9) }, news(3, 3, 3));
    expect(retrying).toMatchObject({ status: 'retrying', attempt: 2, children: { ended: 3, failed: 3 } });
    expect(move(retrying, { type: 'start', at: time(9) })).toMatchObject({ status: 'running', children: { total: 3 } });
  });

  it('ignores news that is older than what it knows', () => {
    const running = move(parent(), news(4, 3));
    const waiting = move(parent(), news(4, 3), SUCCEED);
    for (const task of [running, waiting])
      expect(transition(task, news(3, 3, 0, { returned: RETURNED }))).toEqual({ ok: false, refusal: 'unchanged' });
  });

  it('has failed as soon as its last attempt fails', () => {
    const error = { ...FAILURE, retryable: false };
    const task = parent({ type: 'fail', at: time(2), attempt: 1, error });
    expect(task).toMatchObject({ status: 'failed', error, children: { total: 3, ended: 0 } });
  });

  it('refuses the events of an attempt that is over', () => {
    const task = parent(SUCCEED);
    const late: TaskEvent[] = [
      SUCCEED,
      { type: 'alive', at: time(6), attempt: 1 },
      { type: 'release', at: time(6), attempt: 1, error: FAILURE },
      { type: 'fail', at: time(6), attempt: 1, error: FAILURE },
    ];
    for (const event of late) expect(transition(task, event)).toEqual({ ok: false, refusal: 'stale_attempt' });
    for (const event of [START, { type: 'see', at: time(6) } as const])
      expect(transition(task, event)).toEqual({ ok: false, refusal: 'not_allowed' });
    expect(transition(task, news(3, 0))).toEqual({ ok: false, refusal: 'unchanged' });
  });

  it.each([
    ['all succeeded', news(3, 3, 0, { returned: RETURNED }), { status: 'succeeded', result: RETURNED.result }],
    [
      'one failed',
      news(3, 1, 1, { returned: RETURNED }),
      { status: 'failed', error: { code: 'child_failed', retryable: false } },
    ],
    [
      'one failed, which is ignored',
      news(3, 3, 1, { returned: RETURNED, onChildFailure: 'ignore' }),
      { status: 'succeeded' },
    ],
    [
      'the others are still active',
      news(3, 2, 2, { returned: RETURNED, onChildFailure: 'ignore' }),
      { status: 'running' },
    ],
  ])('ends by its children: %s', (_why, event, expected) => {
    const task = move(parent(SUCCEED), event);
    expect(task).toMatchObject(expected);
    expect('waitingFor' in task).toBe(!isFinished(task));
    if (event.type === 'children') expect(task.children).toEqual(event.children);
  });

  it.each([
    ['they were cancelled, too', news(3, 3, 2, { returned: RETURNED }), 'cancelled'],
    [
      'one failed, though failures are ignored',
      news(3, 3, 1, { returned: RETURNED, onChildFailure: 'ignore' }),
      'cancelled',
    ],
    ['all succeeded', news(3, 3, 0, { returned: RETURNED }), 'succeeded'],
    ['all have succeeded, and its handler was stopped', news(3, 3), 'cancelled'],
    ['some go on', news(3, 2, 2), 'cancelling'],
  ])('is cancelled while it waits: %s', (_why, event, status) => {
    const task = parent(SUCCEED, CANCEL);
    expect(task).toMatchObject({ status: 'cancelling', waitingFor: 'children' });
    expect(transition(task, CANCEL)).toEqual({ ok: false, refusal: 'not_allowed' });
    expect(move(task, event)).toMatchObject({ status });
  });

  it.each<TaskEvent>([
    { type: 'stop', at: time(6), attempt: 1 },
    { type: 'fail', at: time(6), attempt: 1, error: FAILURE },
    { type: 'release', at: time(6), attempt: 1, error: FAILURE },
    SUCCEED,
  ])('waits for its children when it was cancelled and its handler stopped: $type', (event) => {
    expect(parent(CANCEL, event)).toMatchObject({ status: 'cancelling', waitingFor: 'children' });
  });
});

it('the outcome of a child is not for the inbox', () => {
  const child = move({ ...newTask(), parent: 'p1' }, START, SUCCEED);
  expect(child).toMatchObject({ parent: 'p1', status: 'succeeded', seenAt: child.finishedAt });
});
