import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FAILURE, move, newTask, time } from '../test/support/task-events.ts';
import {
  MAX_ERROR_CODE_LENGTH,
  MAX_ERROR_MESSAGE_LENGTH,
  MAX_EVENT_BYTES,
  MAX_NAME_LENGTH,
  MAX_NOTE_LENGTH,
  MAX_TITLE_LENGTH,
} from './limits.ts';
import { createSnapshot, type Snapshot, STATUSES } from './tasks/snapshot.ts';
import { eventName, isPartial, omitResult, toEventData } from './wire.ts';

/** A few bytes less than fit an encrypted event: 7,619 (backend/push/push-events.ts). */
const MAX_ENCRYPTED_BYTES = Math.floor((MAX_EVENT_BYTES - 80) * 0.75) - 16;

/** A text of exactly `length` UTF-16 units (one less where a pair does not fit). */
const fill = (unit: string, length: number) => unit.repeat(Math.floor(length / unit.length));

/** The biggest snapshots there are: every text at its limit and made of `unit`. */
function biggest(unit: string): Snapshot[] {
  const failure = {
    code: fill(unit, MAX_ERROR_CODE_LENGTH),
    message: fill(unit, MAX_ERROR_MESSAGE_LENGTH),
    retryable: false,
  };
  const id = '019ab000-0000-7000-8000-000000000001';
  const queued = createSnapshot({
    id,
    name: 'n'.repeat(MAX_NAME_LENGTH),
    title: fill(unit, MAX_TITLE_LENGTH),
    attempts: 100,
    at: time(0),
    expectedAt: time(100),
    retryOf: id,
  });
  const running = move(
    queued,
    { type: 'start', at: time(1), expectedAt: time(100) },
    {
      type: 'progress',
      at: time(2),
      attempt: 1,
      progress: {
        done: Number.MAX_SAFE_INTEGER - 1,
        total: Number.MAX_SAFE_INTEGER,
        skipped: Number.MAX_SAFE_INTEGER / 2,
        failed: Number.MAX_SAFE_INTEGER / 2,
        stage: fill(unit, MAX_NAME_LENGTH),
        note: fill(unit, MAX_NOTE_LENGTH),
      },
    },
  );
  const failed = move(running, { type: 'fail', at: time(3), attempt: 1, error: failure });
  const succeeded = move(running, { type: 'succeed', at: time(3), attempt: 1, result: fill(unit, 100_000) });
  return [queued, running, failed, move(failed, { type: 'see', at: time(4) }), succeeded];
}

describe('the data of an event', () => {
  it.each([
    ['plain letters', 'a'],
    ['control characters', '\u0001'],
    ['quotes', '"'],
    ['line ends', '\n'],
    ['three-byte characters', '€'],
    ['emoji', '😀'],
    ['lone surrogates', '\ud800'],
    ['what HTML would escape', '<'],
    ['line separators', '\u2028'],
  ])('fits, plain and encrypted, with every text at its limit: %s', (_what, unit) => {
    for (const snapshot of biggest(unit)) {
      for (const limit of [MAX_EVENT_BYTES, MAX_ENCRYPTED_BYTES]) {
        const data = toEventData(snapshot, limit);
        expect(Buffer.byteLength(data)).toBeLessThanOrEqual(limit);
        expect(JSON.parse(data)).toMatchObject({
          id: snapshot.id,
          revision: snapshot.revision,
          status: snapshot.status,
        });
      }
    }
  });

  it('carries the result where it fits, to the byte, and says so where it does not', () => {
    const running = move(newTask(), { type: 'start', at: time(1) });
    const withResult = (length: number) =>
      move(running, { type: 'succeed', at: time(2), attempt: 1, result: 'r'.repeat(length) });
    const room = MAX_EVENT_BYTES - Buffer.byteLength(JSON.stringify(withResult(0)));
    const fits = withResult(room);
    expect(Buffer.byteLength(toEventData(fits))).toBe(MAX_EVENT_BYTES);
    expect(JSON.parse(toEventData(fits))).toEqual(fits);
    const tooBig = withResult(room + 1);
    expect(JSON.parse(toEventData(tooBig))).toEqual({ ...tooBig, result: null, resultOmitted: true });
  });

  it('counts bytes and not characters', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('a', 'ß', '€', '😀', '\u0001'),
        fc.integer({ min: 500, max: 11_000 }),
        (unit, count) => {
          const task = move(newTask(), { type: 'start', at: time(1) });
          const done = move(task, { type: 'succeed', at: time(2), attempt: 1, result: unit.repeat(count) });
          const whole = Buffer.byteLength(JSON.stringify(done));
          expect(JSON.parse(toEventData(done)).resultOmitted).toBe(whole > MAX_EVENT_BYTES);
        },
      ),
    );
  });
});

describe('a snapshot without its result', () => {
  it('is partial, and only a succeeded one can be', () => {
    const running = move(newTask(), { type: 'start', at: time(1) });
    const succeeded = move(running, { type: 'succeed', at: time(2), attempt: 1, result: 7 });
    expect(isPartial(succeeded)).toBe(false);
    expect(isPartial(omitResult(succeeded))).toBe(true);
    const failed = move(running, { type: 'fail', at: time(2), attempt: 1, error: { ...FAILURE, retryable: false } });
    for (const other of [running, failed]) expect(omitResult(other)).toBe(other);
  });
});

describe('the name of an event', () => {
  it('is the status', () => {
    for (const status of STATUSES) expect(eventName({ ...newTask(), status } as Snapshot)).toBe(`task.${status}`);
  });
});
