// What is in Redis already. A running deployment is upgraded in place, so this may change only if what older versions have stored
// can still be read.
import { describe, expect, it } from '@jest/globals';
import { MAX_EVENT_BYTES } from '../../core/limits.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { transition } from '../../core/tasks/transition.ts';
import { newTask, time } from '../../test/support/task-events.ts';
import { NO_SUSPICION } from '../recovery/probation.ts';
import { Keys } from './keys.ts';
import { decodeListItem, decodeRecord, encodeSnapshot, FIELD, fieldsToRead } from './record.ts';
import { MARK } from './watched-mark.ts';

/** A snapshot of a task that has succeeded. */
function succeeded(result: unknown): Snapshot {
  let task: Snapshot = newTask();
  for (const event of [
    { type: 'start', at: time(1) } as const,
    { type: 'succeed', at: time(2), attempt: 1, result } as const,
  ]) {
    const moved = transition(task, event);
    if (!moved.ok) throw new Error(moved.refusal);
    task = moved.snapshot;
  }
  return task;
}

describe('the names', () => {
  it('of keys and channels are the ones that stored data has', () => {
    const keys = new Keys('p:', (owner) => `private-user-${owner}`);
    expect({
      names: [
        keys.unpublished,
        keys.parents,
        keys.definitions,
        keys.workers,
        keys.probe,
        keys.cancelChannel,
        keys.changedChannel,
      ],
      ofTask: keys.task('1'),
      ofOwner: [keys.all('ada'), keys.active('ada'), keys.unseen('ada'), keys.idempotency('ada', 'h')],
      ofChannel: [keys.mark('c'), keys.markOf('ada')],
      ofDefinition: [keys.durations('import'), keys.queue('import')],
      ofLimits: [
        keys.counted('import', ''),
        keys.counted('', ''),
        keys.starts('import', 'ada'),
        keys.starts('', 'ada'),
      ],
      ofWorker: [keys.heartbeat('w'), keys.running('w'), keys.overDeadline('w'), keys.verdict('w')],
      ofLease: keys.lease('sweep'),
    }).toEqual({
      names: ['p:unpublished', 'p:parents', 'p:definitions', 'p:workers', 'p:probe', 'p:cancel', 'p:changed'],
      ofTask: 'p:task:1',
      ofOwner: ['p:all:ada', 'p:active:ada', 'p:unseen:ada', 'p:idem:ada:h'],
      ofChannel: ['p:page:c', 'p:page:private-user-ada'],
      ofDefinition: ['p:durations:import', 'p:queue:import:'],
      ofLimits: ['p:counted:import:', 'p:counted::', 'p:starts:import:ada', 'p:starts::ada'],
      ofWorker: ['p:worker:w', 'p:running:w', 'p:ended:w', 'p:verdict:w'],
      ofLease: 'p:lease:sweep',
    });
  });

  it('of fields are the ones that stored data has', () => {
    expect(Object.values(FIELD).join(' ')).toBe('r s R v o i x t w n k b p e h H O q y l g c C ct ce cf cv cr cp cd T');
    expect(MARK).toEqual({ openedAt: 'o', vacatedAt: 'v', owner: 'w', worker: 'p' });
  });
});

describe('a snapshot', () => {
  it('is stored whole while an event can carry it; a bigger result is kept apart', () => {
    const small = succeeded('r');
    expect(encodeSnapshot(small)).toEqual({ snapshot: JSON.stringify(small), result: '' });
    const { snapshot, result } = encodeSnapshot(succeeded('r'.repeat(MAX_EVENT_BYTES)));
    expect(JSON.parse(snapshot)).toMatchObject({ result: null, resultOmitted: true });
    expect(JSON.parse(result)).toBe('r'.repeat(MAX_EVENT_BYTES));
  });

  it('is read with its result if that was wanted, and as seen if `seenAt` is set', () => {
    const task = succeeded('r'.repeat(MAX_EVENT_BYTES));
    const { snapshot, result } = encodeSnapshot(task);
    expect(decodeRecord({ snapshot, owner: 'ada', result }, { result: true })).toEqual({
      snapshot: task,
      owner: 'ada',
    });
    expect(decodeRecord({ snapshot, owner: 'ada', seenAt: String(Date.parse(time(9))) }, {})).toMatchObject({
      snapshot: { seenAt: time(9), result: null, resultOmitted: true },
    });
  });

  it('is in a list without a big result, even if the trial version stored it inside', () => {
    const old = JSON.stringify(succeeded('r'.repeat(MAX_EVENT_BYTES)));
    expect(decodeListItem({ snapshot: old, seenAt: null })).toMatchObject({ result: null, resultOmitted: true });
  });
});

describe('a record', () => {
  const snapshot = JSON.stringify(newTask());

  it('is read with the parts that were asked for', () => {
    expect(fieldsToRead({})).toEqual(['snapshot', 'seenAt', 'owner', 'trace']);
    expect(fieldsToRead({ input: true, result: true, run: true }).length).toBe(12);
    expect(decodeRecord({ snapshot, owner: 'ada' }, {})).toEqual({ snapshot: newTask(), owner: 'ada' });
  });

  it('is null without a snapshot or an owner: other fields may be all that is left of an expired one', () => {
    expect(decodeRecord({ snapshot: null, owner: 'ada' }, {})).toBeNull();
    expect(decodeRecord({ snapshot, owner: null }, {})).toBeNull();
  });

  it('has the input as it came if that differs, undefined if it was not JSON', () => {
    const read = (raw: string | null) =>
      decodeRecord({ snapshot, owner: 'ada', input: '{"n":5}', raw }, { input: true });
    expect(read(null)).toMatchObject({ input: { n: 5 }, raw: { n: 5 } });
    expect(read('{"n":"5"}')).toMatchObject({ input: { n: 5 }, raw: { n: '5' } });
    expect(read('')).toMatchObject({ input: { n: 5 }, raw: undefined });
  });

  it('of the trial version has run as often as its attempts say', () => {
    const run = { run: null, worker: null, begunAt: null, handedBackProgress: null, suspicion: null };
    expect(decodeRecord({ snapshot, owner: 'ada', ...run }, { run: true })).toMatchObject({
      run: 0,
      worker: null,
      begunAt: 0,
      handedBackProgress: null,
      suspicion: NO_SUSPICION,
    });
    const waiting = JSON.stringify({ ...newTask(), status: 'retrying', attempt: 2 });
    expect(decodeRecord({ snapshot: waiting, owner: 'ada', ...run }, { run: true })).toMatchObject({ run: 1 });
  });
});
