import { describe, expect, it } from '@jest/globals';
import { createRefresher } from './refresher.ts';

/** A refresher. The test moves its clock, and ends its refreshes. */
function setUp() {
  let now = 0;
  let isHidden = false;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  const ends: (() => void)[] = [];
  const refresher = createRefresher(() => new Promise((resolve) => ends.push(resolve)), {
    now: () => now,
    isHidden: () => isHidden,
    wait: (callback, ms) => void timers.push({ at: now + ms, callback }),
  });
  return {
    refresher,
    started: () => ends.length,
    /** Ends the last refresh that was started. */
    async end() {
      ends.at(-1)?.();
      // The refresher goes on two microtasks later.
      await Promise.resolve();
      await Promise.resolve();
    },
    advance(ms: number) {
      now += ms;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { callback } of due) callback();
    },
    hide(is: boolean) {
      isHidden = is;
    },
  };
}

describe('the refresher', () => {
  it('refreshes at most once a second however often it is asked, and one at a time', async () => {
    const world = setUp();
    for (let n = 0; n < 5; n++) world.refresher.request();
    expect(world.started()).toBe(1);
    world.advance(5_000);
    expect(world.started()).toBe(1);
    await world.end();
    expect(world.started()).toBe(2);
    await world.end();
    world.refresher.request();
    world.advance(999);
    expect(world.started()).toBe(2);
    world.advance(1);
    expect(world.started()).toBe(3);
  });

  it('does nothing while the page is hidden', async () => {
    const world = setUp();
    world.refresher.request();
    await world.end();
    world.refresher.request();
    world.hide(true);
    world.advance(10_000);
    world.refresher.request();
    world.advance(10_000);
    expect(world.started()).toBe(1);
    world.hide(false);
    world.refresher.request();
    expect(world.started()).toBe(2);
  });
});
