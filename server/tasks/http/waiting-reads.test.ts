// How requests that wait for a task (`Prefer: wait`) share its reads, and how the header is read. No Redis.
import { describe, expect, it } from '@jest/globals';
import { createSnapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { parseWait, Waiting } from './waiting.ts';

describe('the header Prefer', () => {
  it.each([
    [undefined, null],
    ['', null],
    ['wait=5', 5],
    ['wait = 5', 5],
    ['Wait="7"', 7],
    ['respond-async, wait=10; foo', 10],
    ['wait=3, wait=9', 3],
    ['wait=600', 30],
    ['wait=99999999999', null],
    ['wait=0', null],
    ['wait=-1', null],
    ['wait=1.5', null],
    ['wait', null],
    ['await=5', null],
  ])('%j asks for %j seconds', (header, seconds) => {
    expect(parseWait(header)).toBe(seconds);
  });
});

describe('requests that wake at the same moment', () => {
  const task = (id: string) =>
    createSnapshot({ id, name: 'work', title: 'Work', attempts: 1, at: '2026-01-01T00:00:00.000Z' });
  const neverGone = () => new AbortController().signal;

  it('read a few tasks in each tick of the event loop, and each task once', async () => {
    let wake: (id: string | null) => void = () => undefined;
    const reads = new Map<string, number>();
    let thisTick = 0;
    let most = 0;
    const countTicks = () => {
      most = Math.max(most, thisTick);
      thisTick = 0;
      if (waiting.size > 0) setImmediate(countTicks);
    };
    const waiting = new Waiting({
      redis: {
        onChange: async (listener) => {
          wake = listener;
        },
      },
      read: async (id) => {
        thisTick += 1;
        reads.set(id, (reads.get(id) ?? 0) + 1);
        return task(id);
      },
      perOwner: 10_000,
      inAll: 10_000,
      signal: undefined,
    });
    let isNews = false;
    const holds = Array.from({ length: 1_500 }, (_, n) =>
      waiting.hold({ owner: 'ada', id: `task-${n % 500}`, ms: 20_000, isNews: () => isNews, gone: neverGone() }),
    );
    countTicks();
    await eventually(() => reads.size === 500);
    reads.clear();
    isNews = true;
    wake(null);
    expect(await Promise.all(holds)).toHaveLength(1_500);
    expect([...reads.values()]).toEqual(Array.from({ length: 500 }, () => 1));
    // READS_PER_TICK of waiting.ts.
    expect(most).toBeLessThanOrEqual(16);
    expect(waiting.size).toBe(0);
  });

  it('share a few reads of their task when their time is up', async () => {
    let reads = 0;
    const waiting = new Waiting({
      redis: { onChange: async () => undefined },
      read: async (id, ms) => {
        if (ms === 0) reads += 1;
        return task(id);
      },
      perOwner: 100,
      inAll: 100,
      signal: undefined,
    });
    const hold = () => waiting.hold({ owner: 'ada', id: 'one', ms: 100, isNews: () => false, gone: neverGone() });
    expect(await Promise.all(Array.from({ length: 100 }, hold))).toEqual(
      Array.from({ length: 100 }, () => task('one')),
    );
    expect(reads).toBeLessThan(10);
  });
});
