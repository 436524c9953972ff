import { describe, expect, it } from '@jest/globals';
import { backoff } from './backoff.ts';

const waits = (plan: Parameters<typeof backoff>[1], random: number) =>
  [1, 2, 3, 4, 5, 6].map((failures) => backoff(failures, plan, random));

describe('backoff', () => {
  it('doubles up to its maximum, and chance takes at most half of it', () => {
    const plan = { initial: 100, max: 1_000 };
    expect(waits(plan, 0)).toEqual([50, 100, 200, 400, 500, 500]);
    expect(waits(plan, 1)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('grows by another factor where one is given', () => {
    expect(waits({ initial: 1, factor: 3 }, 1)).toEqual([1, 3, 9, 27, 81, 243]);
    expect(waits({ initial: 250, factor: 1 }, 1)).toEqual(Array(6).fill(250));
  });

  it('spreads as far as its jitter says', () => {
    const plan = { initial: 1_000, max: 1_000, jitter: [1, 1.3] } as const;
    expect(backoff(1, plan, 0)).toBe(1_000);
    expect(backoff(1, plan, 0.5)).toBe(1_150);
    expect(backoff(1, plan, 1)).toBe(1_300);
  });

  it('stays at its maximum however often it failed', () => {
    expect(backoff(5_000, { initial: 100, max: 1_000 }, 1)).toBe(1_000);
  });
});
