import { describe, expect, it } from '@jest/globals';
import { NO_SUSPICION, probationFor, type Suspicion } from './probation.ts';

describe('a suspect', () => {
  // It had run for 10 s when its worker died. Probation lasts 1.5 times as long.
  const probation = (of: Partial<Suspicion>) => probationFor({ ...NO_SUSPICION, lived: 10_000, ...of });

  it('starts freely after one charged crash, on probation after one shared crash, and alone after two crashes', () => {
    expect(probation({ charged: 1 })).toEqual({ isolation: 'free', exclusiveMs: 0, probationMs: 0 });
    expect(probation({ shared: 1 })).toEqual({ isolation: 'probation', exclusiveMs: 15_000, probationMs: 15_000 });
    for (const strong of [{ charged: 2 }, { shared: 2 }, { shared: 1, charged: 1 }]) {
      expect(probation(strong)).toEqual({ isolation: 'alone', exclusiveMs: 15_000, probationMs: 15_000 });
    }
  });

  it('that had run for long keeps others out for a minute, or ten minutes if it runs alone, and is on probation for longer', () => {
    const lived = 3_600_000;
    expect(probation({ shared: 1, lived })).toMatchObject({ exclusiveMs: 60_000, probationMs: 5_400_000 });
    expect(probation({ shared: 2, lived })).toMatchObject({ exclusiveMs: 600_000, probationMs: 5_400_000 });
  });

  it('of four shared crashes is on probation until it ends', () => {
    expect(probation({ shared: 4, lived: 1 })).toEqual({
      isolation: 'alone',
      exclusiveMs: Number.POSITIVE_INFINITY,
      probationMs: Number.POSITIVE_INFINITY,
    });
  });
});
