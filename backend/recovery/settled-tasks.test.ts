import { describe, expect, it } from '@jest/globals';
import { FakeTime, settled } from '../../test/support/fakes/fake-time.ts';
import { unavailable } from '../../test/support/fakes/fake-worker-ports.ts';
import { SettledTasks } from './settled-tasks.ts';

/**
 * The tasks of this process whose push is settled, with a Redis that can be away and a bus that counts what was sent. "The list"
 * in these tests is that of Redis: new tasks and outcomes that are not known to be pushed.
 */
function setUp() {
  const time = new FakeTime();
  const calls: (readonly string[])[] = [];
  const redis = { isAway: false, sent: 0 };
  const bus = { sent: 0 };
  const tasks = new SettledTasks({
    time,
    settle: async (ids, sent) => {
      calls.push(ids);
      // Another call may begin before this one has ended.
      await Promise.resolve();
      if (redis.isAway) throw unavailable();
      redis.sent += sent;
    },
    countSent: () => bus.sent,
  });
  return { time, calls, redis, bus, tasks };
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
    const { time, calls, redis, tasks } = setUp();
    redis.isAway = true;
    tasks.add(['a']);
    await time.advance(100);
    await settled();
    await tasks.flush();
    expect(calls).toHaveLength(1);
  });

  it('count the events that were sent, each once, also those of calls that fail and of calls at the same time', async () => {
    const { redis, bus, tasks } = setUp();
    const settle = (sent: number) => {
      bus.sent += sent;
      tasks.add([`task ${bus.sent}`]);
      return tasks.flush();
    };
    await Promise.all([settle(3), settle(4)]);
    expect(redis.sent).toBe(7);
    redis.isAway = true;
    await settle(10);
    expect(redis.sent).toBe(7);
    redis.isAway = false;
    await settle(1);
    expect([redis.sent, bus.sent]).toEqual([18, 18]);
  });
});
