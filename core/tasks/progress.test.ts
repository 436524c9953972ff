import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyProgress } from '../../test/support/task-events.ts';
import { MAX_NAME_LENGTH, MAX_NOTE_LENGTH } from '../limits.ts';
import { advance, fractionOf, sameProgress } from './progress.ts';
import type { Progress } from './snapshot.ts';

const advanceAny = (report: unknown, shown: Progress | null = null) => advance(shown, report as Progress);

describe('advance', () => {
  it('keeps what a report leaves out, except for the note', () => {
    const shown = advance(null, { done: 3, total: 10, skipped: 1, failed: 1, note: 'row 3' });
    expect(advanceAny({ done: 4 }, shown)).toEqual({ done: 4, total: 10, skipped: 1, failed: 1 });
  });

  it('takes a total of null for not known any more', () => {
    const shown = advance(null, { done: 90, total: 100 });
    expect(advance(shown, { done: 91, total: null })).toEqual({ done: 91, total: null });
    expect(advanceAny({ done: 91, total: undefined }, shown).total).toBe(100);
    expect(advanceAny({ done: 91, total: Number.NaN }, shown).total).toBe(100);
    expect(advance({ done: 91, total: null }, { done: 92, total: 1_000 }).total).toBe(1_000);
  });

  it('has the rate of the report itself, and none if that is invalid or the task is finished', () => {
    const shown = advance(null, { done: 3, total: 10, rate: 2.5 });
    expect(shown).toEqual({ done: 3, total: 10, rate: 2.5 });
    expect(advance(shown, { done: 4, total: 10 })).toEqual({ done: 4, total: 10 });
    expect(advance(shown, { done: 4, total: 10, rate: 2 }, true)).toEqual({ done: 4, total: 10 });
    for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '2', null]) {
      expect(advanceAny({ done: 4, total: 10, rate })).toEqual({ done: 4, total: 10 });
    }
  });

  it('never lets done go back within a stage, and starts a new stage from its report', () => {
    const shown = advance(null, { done: 7, total: 10, stage: 'read' });
    expect(advance(shown, { done: 2, total: 10, stage: 'read' }).done).toBe(7);
    expect(advance(shown, { done: 0, total: 5, stage: 'save' })).toEqual({ done: 0, total: 5, stage: 'save' });
  });

  it('holds done below total until the task is finished', () => {
    expect(advance(null, { done: 10, total: 10 })).toEqual({ done: 9, total: 10 });
    expect(advance(null, { done: 12, total: 10 }, true)).toEqual({ done: 12, total: 12 });
    expect(advance(null, { done: 10, total: 10 }, true)).toEqual({ done: 10, total: 10 });
  });

  it('treats a total that makes no sense as no total', () => {
    expect(advance(null, { done: 0, total: 0 }).total).toBeNull();
    expect(advance({ done: 7, total: 10 }, { done: 7, total: 5 })).toEqual({ done: 7, total: null });
  });

  it('keeps skipped and failed parts of done', () => {
    expect(advance(null, { done: 10, total: 10, skipped: 10 })).toEqual({ done: 9, total: 10, skipped: 9 });
    expect(advance(null, { done: 2, total: 9, skipped: 4, failed: 1 })).toMatchObject({
      done: 5,
      skipped: 4,
      failed: 1,
    });
    expect(advance(null, { done: 0, total: 6, skipped: 4, failed: 4 })).toMatchObject({
      done: 5,
      skipped: 4,
      failed: 1,
    });
  });

  it('cuts texts and rounds counts down', () => {
    const made = advance(null, { done: 1.9, total: 3.5, stage: 's'.repeat(100), note: 'n'.repeat(500) });
    expect(made).toMatchObject({ done: 1, total: 3 });
    expect(made.stage).toHaveLength(MAX_NAME_LENGTH);
    expect(made.note).toHaveLength(MAX_NOTE_LENGTH);
  });

  const raise = (): never => {
    throw new Error('a getter that throws');
  };
  const thrower = new Proxy({}, { get: raise });
  const hostile = {
    get done(): number {
      return raise();
    },
    total: 5,
  };
  it.each([
    ['null', null],
    ['undefined', undefined],
    ['a text', 'half'],
    ['a number', 7],
    ['a list', [1, 2]],
    ['counts that make no sense', { done: Number.NaN, total: Number.POSITIVE_INFINITY, skipped: -1, failed: -0.5 }],
    ['texts for numbers', { done: '5', total: '10', stage: 5, note: {} }],
    ['a bigint', { done: 5n, total: 10n }],
    ['a symbol', { done: Symbol('x'), total: Symbol('y'), note: Symbol('z') }],
    ['a getter that throws', hostile],
    ['a proxy that throws', thrower],
  ])('makes valid progress of %s', (_what, report) => {
    expect(advanceAny(report)).toMatchObject({ done: 0 });
    expect(advanceAny(report, { done: 3, total: 10 })).toMatchObject({ done: 3 });
  });

  it('makes valid progress of anything', () => {
    fc.assert(
      fc.property(fc.anything(), fc.option(anyProgress), fc.boolean(), (report, before, finished) => {
        const shown = before === null ? null : advance(null, before);
        const made = advance(shown, report as Progress, finished);
        expect(Number.isInteger(made.done)).toBe(true);
        expect(made.total === null || made.total >= made.done).toBe(true);
        expect(sameProgress(JSON.parse(JSON.stringify(made)), made)).toBe(true);
      }),
    );
  });
});

describe('sameProgress', () => {
  it('compares every part', () => {
    const one: Progress = { done: 1, total: 2, skipped: 0, failed: 0, stage: 'a', note: 'b' };
    expect(sameProgress(one, { ...one })).toBe(true);
    expect(sameProgress(null, null)).toBe(true);
    expect(sameProgress(one, null)).toBe(false);
    const others: Partial<Progress>[] = [
      { done: 2 },
      { total: null },
      { skipped: 1 },
      { failed: 1 },
      { stage: 'c' },
      { note: 'c' },
      { rate: 1 },
    ];
    for (const other of others) expect(sameProgress(one, { ...one, ...other })).toBe(false);
  });
});

describe('fractionOf', () => {
  const weights = { read: 1, save: 9 };
  it('is the share that is done, or null where that is not known', () => {
    expect(fractionOf(null)).toBeNull();
    expect(fractionOf({ done: 3, total: null })).toBeNull();
    expect(fractionOf({ done: 3, total: 12 })).toBe(0.25);
  });

  it('weighs stages', () => {
    expect(fractionOf({ done: 1, total: 2, stage: 'read' }, weights)).toBe(0.05);
    expect(fractionOf({ done: 0, total: null, stage: 'save' }, weights)).toBe(0.1);
    expect(fractionOf({ done: 1, total: 2, stage: 'save' }, weights)).toBe(0.55);
  });

  it('knows only the stages of the definition', () => {
    expect(fractionOf({ done: 1, total: 2, stage: 'other' }, weights)).toBe(0.5);
    expect(fractionOf({ done: 1, total: 2, stage: 'toString' }, weights)).toBe(0.5);
  });
});
