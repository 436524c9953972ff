import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isRate, PACE_HORIZON_MS, shownDone, withoutRate } from './pace.ts';

describe('shownDone', () => {
  it('is what is done, where there is no rate', () => {
    expect(shownDone({ done: 40, total: 100 }, 5_000)).toBe(40);
  });

  it('moves with the rate for 10 s, and not before the message', () => {
    const progress = { done: 40, total: 1_000, rate: 5 };
    expect([-2_000, 0, 100, 1_000, 10_000, 60_000].map((ms) => shownDone(progress, ms))).toEqual([
      40, 40, 40.5, 45, 90, 90,
    ]);
  });

  it('stops one element before the total, and does not stop where no total is known', () => {
    expect(shownDone({ done: 90, total: 100, rate: 5 }, 3_000)).toBe(99);
    expect(shownDone({ done: 90, total: null, rate: 5 }, 3_000)).toBe(105);
  });

  it('is never less than what is done', () => {
    expect(shownDone({ done: 100, total: 100, rate: 5 }, 3_000)).toBe(100);
  });

  it('ignores an invalid rate', () => {
    for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect([isRate(rate), shownDone({ done: 1, total: 100, rate }, 1_000)]).toEqual([false, 1]);
    }
  });

  it('never goes back as time passes', () => {
    const progress = fc.record({
      done: fc.nat(1_000),
      total: fc.option(fc.nat(1_000)),
      rate: fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
    });
    const ms = fc.double({ min: -1e6, max: 2 * PACE_HORIZON_MS, noNaN: true });
    fc.assert(
      fc.property(progress, ms, ms, (one, a, b) => {
        const early = shownDone(one, Math.min(a, b));
        const late = shownDone(one, Math.max(a, b));
        expect(early).toBeGreaterThanOrEqual(one.done);
        expect(late).toBeGreaterThanOrEqual(early);
      }),
    );
  });
});

describe('withoutRate', () => {
  it('keeps all other fields', () => {
    expect(withoutRate({ done: 1, total: 2, note: 'a', rate: 3 })).toEqual({ done: 1, total: 2, note: 'a' });
    expect(withoutRate(null)).toBeNull();
  });
});
