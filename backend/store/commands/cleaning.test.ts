import { afterEach, expect, it, jest } from '@jest/globals';
import { chooseCleaning } from './cleaning.ts';

afterEach(() => void jest.restoreAllMocks());

it('one creation in eight cleans, and looks at 64 ids: eight for each creation', () => {
  const chosen = Array.from({ length: 20_000 }, () => chooseCleaning());
  const cleanings = chosen.filter(({ count }) => count > 0);
  // An eighth of 20,000 is 2,500, with a standard deviation of 47.
  expect(cleanings.length).toBeGreaterThan(2_200);
  expect(cleanings.length).toBeLessThan(2_800);
  expect(new Set(cleanings.map(({ count }) => count))).toEqual(new Set([64]));
  expect(new Set(cleanings.map(({ index }) => index))).toEqual(new Set(['all', 'unseen']));
  // Half of them begin with the oldest ids, the others anywhere.
  const oldest = cleanings.filter(({ from }) => from === 0).length;
  expect(oldest / cleanings.length).toBeCloseTo(0.5, 1);
  for (const { from } of cleanings) expect(from).toBeLessThan(1);
});

it('the other seven do not clean', () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.125);
  expect(chooseCleaning()).toEqual({ count: 0, index: 'all', from: 0 });
});
