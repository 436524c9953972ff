import { describe, expect, it } from '@jest/globals';
import { FakeTime, settled } from '../../test/support/fake-time.ts';
import { unavailable } from '../../test/support/fake-worker-ports.ts';
import { PushedOutcomes } from './pushed-outcomes.ts';

function setUp() {
  const time = new FakeTime();
  const calls: (readonly string[])[] = [];
  let isAway = false;
  const outcomes = new PushedOutcomes({
    time,
    settle: async (ids) => {
      calls.push(ids);
      if (isAway) throw unavailable();
    },
  });
  return {
    ...{ time, calls, outcomes },
    goAway() {
      isAway = true;
    },
  };
}

describe('outcomes that were pushed', () => {
  it('leave the list together, each once, 100 ms after the first', async () => {
    const { time, calls, outcomes } = setUp();
    outcomes.add(['a', 'b']);
    await time.advance(60);
    outcomes.add(['b', 'c']);
    await time.advance(39);
    expect([calls, time.waiting]).toEqual([[], 1]);
    await time.advance(1);
    expect(calls).toEqual([['a', 'b', 'c']]);
    outcomes.add(['d']);
    await time.advance(100);
    expect(calls).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it('leave it at once where they are flushed, and no timer stays', async () => {
    const { time, calls, outcomes } = setUp();
    outcomes.add(['a']);
    await outcomes.flush();
    expect([calls, time.waiting]).toEqual([[['a']], 0]);
    await time.advance(1_000);
    await outcomes.flush();
    expect(calls).toHaveLength(1);
  });

  it('stay on it where Redis is away: the sweeper pushes them once more', async () => {
    const { time, calls, outcomes, goAway } = setUp();
    goAway();
    outcomes.add(['a']);
    await time.advance(100);
    await settled();
    await outcomes.flush();
    expect(calls).toHaveLength(1);
  });
});
