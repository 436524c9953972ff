import { describe, expect, it } from '@jest/globals';
import { drawIn, IN_VIEW, NEVER, OUT_OF_VIEW, type RowNews } from './row-schedule.ts';

describe('a row', () => {
  it.each<[RowNews, number, number]>([
    ['status', 0, 0],
    ['shared', 0, 2_000],
    ['task', 200, 2_000],
    ['seconds', 1_000, NEVER],
    ['minutes', 10_000, NEVER],
    ['nothing', NEVER, NEVER],
  ])('with news of its %s is drawn after %d ms in view and %d ms out of view', (news, inView, outOfView) => {
    expect([drawIn(news, IN_VIEW, 0), drawIn(news, OUT_OF_VIEW, 0)]).toEqual([inView, outOfView]);
  });

  it('waits for what is left of that time, and is never late by more than a frame', () => {
    expect(drawIn('task', IN_VIEW, 150)).toBe(50);
    expect(drawIn('task', IN_VIEW, 200)).toBe(0);
    expect(drawIn('task', IN_VIEW, 5_000)).toBe(0);
    expect(drawIn('minutes', OUT_OF_VIEW, 1_000_000)).toBe(NEVER);
  });
});
