import { describe, expect, it } from '@jest/globals';
import { FakeTime, settled } from '../../test/support/fakes/fake-time.ts';
import { unavailable } from '../../test/support/fakes/fake-worker-ports.ts';
import { SettledTasks } from './settled-tasks.ts';

function setUp() {
  const time = new FakeTime();
  const calls: (readonly string[])[] = [];
  let isAway = false;
  const tasks = new SettledTasks({
    time,
    settle: async (ids) => {
      calls.push(ids);
      if (isAway) throw unavailable();
    },
  });
  return {
    time,
    calls,
    tasks,
    goAway() {
      isAway = true;
    },
  };
}

describe('new tasks and outcomes whose push is settled', () => {
  it('leave the list together, each once, 100 ms after the first', async () => {
    const { time, calls, tasks } = setUp();
    tasks.add(['a', 'b']);
    await time.advance(60);
    tasks.add(['b', 'c']);
    await time.advance(39);
    expect([calls, time.waiting]).toEqual([[], 1]);
    await time.advance(1);
    expect(calls).toEqual([['a', 'b', 'c']]);
    tasks.add(['d']);
    await time.advance(100);
    expect(calls).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it('leave it at once if they are flushed, and no timer stays', async () => {
    const { time, calls, tasks } = setUp();
    tasks.add(['a']);
    await tasks.flush();
    expect([calls, time.waiting]).toEqual([[['a']], 0]);
    await time.advance(1_000);
    await tasks.flush();
    expect(calls).toHaveLength(1);
  });

  it('stay on it if Redis is away: the sweeper pushes them once more', async () => {
    const { time, calls, tasks, goAway } = setUp();
    goAway();
    tasks.add(['a']);
    await time.advance(100);
    await settled();
    await tasks.flush();
    expect(calls).toHaveLength(1);
  });
});
