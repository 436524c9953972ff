import { expect, it } from '@jest/globals';
import { Durations, medianOf } from './durations.ts';
import { Keys } from './keys.ts';

/** Durations on a Redis that answers with `lists`, one after the other; an error is thrown. */
function durationsOn(...lists: (string[] | Error)[]) {
  const asked: unknown[][] = [];
  const lRange = async (...args: unknown[]) => {
    asked.push(args);
    const list = lists.shift() ?? [];
    if (list instanceof Error) throw list;
    return list;
  };
  const keys = new Keys('p:', (owner) => owner);
  return { durations: new Durations({ keys, send: (command) => command({ lRange } as never) }), asked };
}

it('the median is unknown for fewer than three runs', () => {
  expect(medianOf([])).toBeNull();
  expect(medianOf([10, 20])).toBeNull();
  expect(medianOf([30, 10, 20])).toBe(20);
  expect(medianOf([1, 2, 3, 4])).toBe(3);
});

it('values that are not durations are left out', () => {
  expect(medianOf([Number.NaN, 1e300, -5])).toBeNull();
  expect(medianOf([Number.NaN, 1e300, 10, 20, 30])).toBe(20);
});

it('the last fifty runs are read once for several answers', async () => {
  const { durations, asked } = durationsOn(['10', '30', '20'], ['1', '1', '1']);
  expect(await durations.median('import')).toBe(20);
  expect(await durations.median('import')).toBe(20);
  expect(await durations.median('export')).toBe(1);
  expect(asked).toEqual([
    ['p:durations:import', 0, 49],
    ['p:durations:export', 0, 49],
  ]);
});

it('while Redis is away the median is unknown', async () => {
  expect(await durationsOn(new Error('away')).durations.median('import')).toBeNull();
});
