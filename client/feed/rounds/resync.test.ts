import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nextRound } from './resync.ts';

const conditions = { isPushed: false, isVisible: true, hasActive: false, failures: 0, retryAfter: 0, silence: 0 };
const random = fc.double({ min: 0, max: 0.999, noNaN: true });

describe('the next round', () => {
  it('comes after 10 to 14 s without push and without active tasks, so that what is started elsewhere shows within 15 s', () => {
    fc.assert(
      fc.property(random, (chance) => {
        const wait = nextRound(conditions, chance) as number;
        expect(wait).toBeGreaterThanOrEqual(10_000);
        // An answer takes its time as well.
        expect(wait).toBeLessThanOrEqual(14_000);
        expect(nextRound({ ...conditions, isPushed: true }, chance)).toBeNull();
        expect(nextRound({ ...conditions, isVisible: false }, chance)).toBeNull();
      }),
    );
  });

  it('is put off by `Retry-After`, and by no more than two minutes', () => {
    fc.assert(
      fc.property(
        random,
        fc.oneof(fc.double({ min: 0, noNaN: true }), fc.constant(Number.POSITIVE_INFINITY)),
        (chance, retryAfter) => {
          const wait = nextRound({ ...conditions, retryAfter }, chance) as number;
          expect(wait).toBeGreaterThanOrEqual(Math.min(retryAfter, 120) * 1_000);
          expect(wait).toBeLessThanOrEqual(122_000);
        },
      ),
    );
  });

  it('comes however often the ones before have failed', () => {
    fc.assert(
      fc.property(random, fc.nat(100_000), fc.boolean(), (chance, failures, isVisible) => {
        const wait = nextRound({ ...conditions, failures: failures + 1, isVisible }, chance) as number;
        expect(wait).toBeGreaterThanOrEqual(1_000);
        expect(wait).toBeLessThanOrEqual(62_000);
      }),
    );
  });
});
