import { describe, expect, it } from '@jest/globals';
import { PaceEstimator } from './pace-estimator.ts';

const TOLERANCE = { ahead: 10, behind: 10 };

/** The rate after looks every 100 ms at `done(ms)`, from 0 to `ms`. */
function rateAfter(ms: number, done: (ms: number) => number, total: number | null = 1_000): number {
  const estimator = new PaceEstimator(0, 0);
  for (let now = 100; now <= ms; now += 100) estimator.observe(now, Math.floor(done(now)), total, TOLERANCE);
  return estimator.rate;
}

describe('the rate', () => {
  it('is that of steady work, from the second look on', () => {
    for (const ms of [200, 1_000, 30_000]) expect(rateAfter(ms, (now) => now / 20)).toBeCloseTo(50, 0);
  });

  it('follows work that changes its speed', () => {
    const changed = rateAfter(30_000, (now) => now / 100 + Math.max(now - 20_000, 0) / 25, null);
    expect(changed).toBeGreaterThan(40);
    expect(changed).toBeLessThan(60);
  });

  it('is the average of noise, not its last moment', () => {
    const noisy = rateAfter(20_000, (now) => now / 20 + 4 * Math.sin(now / 37));
    expect(noisy).toBeGreaterThan(40);
    expect(noisy).toBeLessThan(60);
  });

  it('is 0 for batches that are larger than the tolerance', () => {
    expect(rateAfter(50_000, (now) => 50 * Math.floor(now / 3_000))).toBe(0);
  });

  it('is 0 before anything is known, after one movement, and where nothing moves', () => {
    expect(rateAfter(0, () => 0)).toBe(0);
    expect(rateAfter(200, (now) => (now > 100 ? 500 : 0))).toBe(0);
    expect(rateAfter(20_000, () => 0)).toBe(0);
  });

  it('goes on from looks that are far apart', () => {
    const estimator = new PaceEstimator(0, 0);
    for (const now of [1_000, 9_000, 11_000]) estimator.observe(now, now / 20, 1_000, TOLERANCE);
    expect(estimator.rate).toBeCloseTo(50, 0);
  });
});
