import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { systemTiming } from './environment.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

it('the real clock goes on evenly when that of the device is set', () => {
  jest.useFakeTimers({ doNotFake: ['performance'] });
  const before = systemTiming.now();
  expect(Math.abs(before - Date.now())).toBeLessThan(60_000);
  for (const shift of [600_000, -1_200_000]) {
    jest.setSystemTime(Date.now() + shift);
    const passed = systemTiming.now() - before;
    expect(passed).toBeGreaterThanOrEqual(0);
    expect(passed).toBeLessThan(60_000);
  }
});

describe('the real clock', () => {
  it.each([2 ** 31, 99_999_999_000, Number.POSITIVE_INFINITY])(
    'waits long when it is told to wait for %d ms, and does not fire at once',
    (ms) => {
      const run = jest.fn();
      const handle = systemTiming.setTimeout(run, ms);
      jest.advanceTimersByTime(2e9 - 1);
      expect(run).not.toHaveBeenCalled();
      systemTiming.clearTimeout(handle);
    },
  );
});
