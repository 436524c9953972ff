import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { systemTiming } from './environment.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('the real clock', () => {
  it.each([2 ** 31, 99_999_999_000, Number.POSITIVE_INFINITY])(
    'takes a wait of %d ms for a long one, not for none',
    (ms) => {
      const run = jest.fn();
      const handle = systemTiming.setTimeout(run, ms);
      jest.advanceTimersByTime(2e9 - 1);
      expect(run).not.toHaveBeenCalled();
      systemTiming.clearTimeout(handle);
    },
  );
});
