import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { type TaskEvent, transition } from '../../core/tasks/transition.ts';
import { FAILURE, newTask, time } from '../../test/support/task-events.ts';
import { type RunOptions, toCommit } from './to-commit.ts';

const NOW = Date.parse(time(100));

/** The commit of the last of these events, which happen to a new task one after the other. */
function commitOf(events: readonly TaskEvent[], options: RunOptions = {}) {
  let before: Snapshot = newTask();
  let commit: ReturnType<typeof toCommit> | undefined;
  for (const event of events) {
    const moved = transition(before, event);
    if (!moved.ok) throw new Error(`${event.type} was refused: ${moved.refusal}`);
    commit = toCommit({ owner: 'ada', before, event, next: moved.snapshot }, options, NOW);
    before = moved.snapshot;
  }
  if (!commit) throw new Error('no event');
  return commit;
}

const start = (seconds = 1): TaskEvent => ({ type: 'start', at: time(seconds) });
const succeed = (attempt = 1, result: unknown = 1): TaskEvent => ({ type: 'succeed', at: time(61), attempt, result });
const fail = (retryAt?: string): TaskEvent => ({
  type: 'fail',
  at: time(2),
  attempt: 1,
  error: FAILURE,
  ...(retryAt ? { retryAt } : {}),
});
const release: TaskEvent = { type: 'release', at: time(3), attempt: 1, error: FAILURE };
const cancel: TaskEvent = { type: 'cancel', at: time(3) };
const progress: TaskEvent = { type: 'progress', at: time(2), attempt: 1, progress: { done: 3, total: 9 } };

it('a change says which revision it was decided on, and which it makes', () => {
  expect(commitOf([start(), progress])).toMatchObject({ expected: 2, revision: 3, kind: 'step', owner: 'ada' });
  expect(commitOf([start(), succeed()])).toMatchObject({ kind: 'succeeded' });
});

describe('the run', () => {
  it('begins with a worker', () => {
    const options = { run: 0, start: { worker: 'w1', isolation: 'alone' as const } };
    expect(commitOf([start()], options)).toMatchObject({
      run: 0,
      runChange: { type: 'start', worker: 'w1', isolation: 'alone' },
    });
  });

  it('goes on with a step, and ends with whatever ends the attempt', () => {
    expect(commitOf([start(), progress]).runChange).toBeNull();
    expect(commitOf([start(), cancel]).runChange).toBeNull();
    for (const end of [succeed(), fail(), release]) {
      expect(commitOf([start(), end]).runChange).toMatchObject({ type: 'end' });
    }
    expect(commitOf([cancel]).runChange).toBeNull();
  });

  it('leaves the suspicion against its task, and its progress only if it was handed back', () => {
    const suspicion = { shared: 1, charged: 0, lived: 10 };
    const handedBack = commitOf([start(), progress, release], { run: 1, suspicion }).runChange;
    expect(handedBack).toMatchObject({ type: 'end', suspicion: JSON.stringify(suspicion) });
    expect(JSON.parse((handedBack as { handedBackProgress: string }).handedBackProgress)).toMatchObject({
      done: 3,
      total: 9,
    });
    expect(commitOf([start(), progress, fail()]).runChange).toEqual({
      type: 'end',
      handedBackProgress: '',
      suspicion: '',
    });
  });
});

it('only a first attempt that succeeds counts for the usual duration', () => {
  expect(commitOf([start(), succeed()]).duration).toBe(60_000);
  expect(commitOf([start(), fail(), start(4), succeed(2)]).duration).toBeNull();
  expect(commitOf([start(), fail()]).duration).toBeNull();
});

describe('the next run', () => {
  it('has a job that is delayed until the run is due, or not delayed if that time has passed', () => {
    expect(commitOf([start(), fail(time(101))], { run: 1 }).job).toEqual({
      id: `${newTask().id}:2`,
      at: Date.parse(time(101)),
    });
    expect(commitOf([start(), fail(time(99))], { run: 1 }).job).toEqual({ id: `${newTask().id}:2`, at: null });
    expect(commitOf([start(), release], { run: 4 }).job).toEqual({ id: `${newTask().id}:5`, at: null });
  });

  it('has none while the task runs or once it has ended', () => {
    for (const events of [[start()], [start(), cancel], [start(), succeed()]]) expect(commitOf(events).job).toBeNull();
  });
});

it('workers are told of a cancellation once, and only if one may have the task', () => {
  expect(commitOf([start(), cancel]).announceCancel).toBe(true);
  expect(commitOf([start(), fail(time(500)), cancel]).announceCancel).toBe(true);
  expect(commitOf([cancel]).announceCancel).toBe(false);
  expect(commitOf([start(), cancel, { ...progress, at: time(4) }]).announceCancel).toBe(false);
});
