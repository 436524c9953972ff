import { describe, expect, it } from '@jest/globals';
import { Clock } from './clock.ts';

const REDIS_TIME = Date.parse('2026-01-31T12:00:00.000Z');

/** A clock over two sources that the test moves, and a Redis that answers after `trip` ms. */
function setUp({ local = REDIS_TIME, trip = 0 } = {}) {
  const state = { elapsed: 5_000, local, redis: REDIS_TIME, isAway: false };
  const clock = new Clock({
    ask: async () => {
      if (state.isAway) throw new Error('away');
      state.elapsed += trip / 2;
      const time = state.redis + trip / 2;
      state.elapsed += trip / 2;
      return time;
    },
    elapsed: () => state.elapsed,
    local: () => state.local,
  });
  return { clock, state };
}

describe('the clock', () => {
  it('is the machine’s own until Redis has answered, and Redis’ after that', async () => {
    const { clock, state } = setUp({ local: REDIS_TIME + 120_000 });
    expect(clock.now()).toBe(REDIS_TIME + 120_000);
    state.isAway = true;
    await clock.ready();
    expect(clock.now()).toBe(REDIS_TIME + 120_000);
    state.isAway = false;
    await clock.ready();
    expect(clock.now()).toBe(REDIS_TIME);
    expect(clock.iso(1_500)).toBe('2026-01-31T12:00:01.500Z');
  });

  it('does not change when the machine’s clock is set', async () => {
    const { clock, state } = setUp();
    await clock.ready();
    state.local -= 600_000;
    state.elapsed += 1_000;
    expect(clock.now()).toBe(REDIS_TIME + 1_000);
  });

  it('adds the time that the answer took to arrive', async () => {
    const { clock } = setUp({ trip: 80 });
    await clock.ready();
    expect(clock.now()).toBe(REDIS_TIME + 80);
  });

  it('asks once if many wait for it', async () => {
    let asked = 0;
    const clock = new Clock({
      ask: async () => {
        asked += 1;
        return REDIS_TIME;
      },
    });
    await Promise.all([clock.ready(), clock.ready(), clock.ready()]);
    expect(asked).toBe(1);
  });
});
