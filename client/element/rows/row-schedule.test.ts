import { expect, it } from '@jest/globals';
import * as schedule from './row-schedule.ts';

const { drawIn, IN_VIEW, NEVER, OUT_OF_VIEW, ...all } = schedule;

it.each([
  ['NEW_STATUS', 0, 0],
  ['NEW_SHARED', 0, 2_000],
  ['NEW_TASK', 200, 2_000],
  ['SECONDS', 1_000, NEVER],
  ['MINUTES', 10_000, NEVER],
  ['NOTHING_NEW', NEVER, NEVER],
] as const)('%s: a row is drawn after %d ms in view and %d ms out of view', (name, inView, outOfView) => {
  expect([drawIn(all[name], IN_VIEW, 0), drawIn(all[name], OUT_OF_VIEW, 0)]).toEqual([inView, outOfView]);
});

it('a row waits for what is left of that time', () => {
  const waits = [150, 200, 5_000].map((age) => drawIn(schedule.NEW_TASK, IN_VIEW, age));
  expect(waits).toEqual([50, 0, 0]);
  expect(drawIn(schedule.MINUTES, OUT_OF_VIEW, 1_000_000)).toBe(NEVER);
});
