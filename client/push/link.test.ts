import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ManualTiming } from '../test-support/manual-timing.ts';
import { attemptDelay, attemptLimit, createLink, type LinkState } from './link.ts';
import type { PushHandlers } from './pusher.ts';

/** A link that has started. `opened`: the times of its attempts in ms, -1 for each pause. `handlers`: with them the test says how push stands. */
function start() {
  const timing = new ManualTiming();
  const opened: number[] = [];
  const states: LinkState[] = [];
  let handlers = {} as PushHandlers;
  const link = createLink({
    timing,
    createPush: (given) => {
      handlers = given;
      return { open: () => opened.push(timing.now()), pause: () => opened.push(-1) };
    },
    onChange: (state) => states.push(state),
    onEvent: () => {},
  });
  link.start();
  return { timing, opened, states, link, handlers };
}

describe('keeping push alive', () => {
  it('gives a first attempt the time that every transport needs', async () => {
    const { timing, opened } = start();
    await timing.advance(12_900);
    expect(opened).toHaveLength(1);
    await timing.advance(5_000);
    expect(opened.length).toBeGreaterThan(1);
  });

  it('tries about every two seconds after a loss, whatever chance says', async () => {
    for (const chance of [0, 0.5, 0.999]) {
      const { timing, opened, handlers } = start();
      timing.chance = chance;
      await timing.advance(40);
      handlers.onUp();
      handlers.onDown('lost');
      const lostAt = timing.now();
      await timing.advance(10_000);
      const attempts = [lostAt, ...opened.slice(1), timing.now()];
      expect(attempts.length).toBeGreaterThan(4);
      for (let n = 1; n < attempts.length; n++) {
        // So whenever the bus comes back within these 10 s, the next attempt is less than 2.5 s away.
        expect((attempts[n] as number) - (attempts[n - 1] as number)).toBeLessThan(2_500);
      }
    }
  });

  it('spreads 1,000 clients over the second after a loss', () => {
    const delays = Array.from({ length: 1_000 }, (_, n) => attemptDelay(0, 'lost', n / 1_000));
    const busiest = Math.max(
      ...Array.from({ length: 12 }, (_, n) => delays.filter((ms) => Math.floor(ms / 100) === n).length),
    );
    expect(busiest).toBeLessThan(110);
  });

  it('waits longer the more attempts have failed; of the later attempts every second one gets enough time for a fallback transport', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.99, noNaN: true }), (random) => {
        expect(attemptDelay(40, 'lost', random)).toBeGreaterThanOrEqual(30_000);
        expect(attemptDelay(0, 'refused', random)).toBeGreaterThanOrEqual(15_000);
        expect(attemptDelay(2, 'refused', random)).toBeGreaterThanOrEqual(40_000);
        // A client that was refused over quota is live within a minute after the bus takes clients again.
        expect(attemptDelay(40, 'refused', random)).toBeLessThanOrEqual(55_000);
        expect(attemptDelay(0, 'unauthorized', random)).toBeLessThanOrEqual(2_000);
        expect(attemptDelay(30, 'unauthorized', random)).toBeLessThanOrEqual(120_000);
        expect(attemptLimit(10, 40, random)).toBeGreaterThanOrEqual(13_000);
        for (const n of [0, 1, 5, 9, 11]) expect(attemptLimit(n, 40, random)).toBeLessThanOrEqual(2_200);
      }),
    );
  });

  it('makes few attempts on a page where none has ever worked, and goes on making them', async () => {
    const { timing, opened } = start();
    await timing.advance(180_000);
    expect(opened.length).toBeGreaterThan(5);
    const before = opened.length;
    await timing.advance(1_800_000);
    expect(opened.length - before).toBeLessThanOrEqual(11);
    expect(opened.length - before).toBeGreaterThanOrEqual(8);
  });

  it('replaces a connection whose subscription is never answered', async () => {
    const { timing, opened, handlers, states } = start();
    handlers.onConnected();
    await timing.advance(13_000);
    expect(opened).toHaveLength(2);
    expect(states).toMatchObject([{ isUp: false, loss: 'lost' }]);
  });

  it('starts with the shortest wait again when the kind of loss changes', async () => {
    const { timing, opened, handlers } = start();
    await timing.advance(40);
    handlers.onUp();
    for (let n = 0; n < 6; n++) {
      handlers.onDown('lost');
      await timing.advance(1_500);
    }
    const before = opened.length;
    handlers.onDown('unauthorized');
    await timing.advance(2_000);
    expect(opened).toHaveLength(before + 1);
  });

  it('waits 15 s or more after a refusal, and then tries again', async () => {
    const { timing, opened, handlers, states } = start();
    for (let n = 0; n < 30; n++) {
      handlers.onDown('refused');
      const before = opened.length;
      await timing.advance(14_900);
      expect(opened).toHaveLength(before);
      for (let second = 0; second < 40 && opened.length === before; second++) await timing.advance(1_000);
      expect(opened).toHaveLength(before + 1);
    }
    expect(new Set(states.map(({ loss }) => loss))).toEqual(new Set(['refused']));
  });

  it('tries at once when asked to retry soon, but leaves an attempt that has just begun alone', async () => {
    const { timing, opened, link, handlers } = start();
    link.retrySoon();
    await timing.advance(1_000);
    expect(opened).toHaveLength(1);
    handlers.onDown('refused');
    await timing.advance(2_000);
    link.retrySoon();
    await timing.advance(300);
    expect(opened).toHaveLength(2);
  });

  it('renews a connection at most once a minute', async () => {
    const { timing, opened, link, handlers } = start();
    handlers.onUp();
    link.renew();
    await timing.advance(1_300);
    expect(opened).toHaveLength(2);
    handlers.onUp();
    await timing.advance(15_000);
    link.renew();
    await timing.advance(5_000);
    expect(opened).toHaveLength(2);
  });

  it('leaves no timer behind when paused, and starts again', async () => {
    const { timing, opened, states, link, handlers } = start();
    handlers.onUp();
    link.pause();
    handlers.onDown('lost');
    expect(timing.pending).toBe(0);
    expect(states.at(-1)?.isUp).toBe(false);
    link.start();
    expect(opened.at(-1)).toBe(timing.now());
  });
});
