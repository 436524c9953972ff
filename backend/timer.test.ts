import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { delay, withDeadline } from './async.ts';
import { startTimer } from './timer.ts';

/** The longest delay of `setTimeout`, in ms: 24.8 days. Node turns a longer one into 1 ms. */
const LONGEST = 2 ** 31 - 1;
const DAY = 86_400_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('a timer', () => {
  it.each([1, 1_000, LONGEST - 1, LONGEST, LONGEST + 1, 25 * DAY, 2 * LONGEST, 2 * LONGEST + 7, 3_653 * DAY])(
    'of %d ms fires once, after that time',
    (ms) => {
      const run = jest.fn();
      startTimer(run, ms);
      jest.advanceTimersByTime(ms - 1);
      expect(run).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(run).toHaveBeenCalledTimes(1);
      expect(jest.getTimerCount()).toBe(0);
    },
  );

  it('of Infinity never fires', () => {
    const run = jest.fn();
    const timer = startTimer(run, Number.POSITIVE_INFINITY);
    jest.advanceTimersByTime(100 * LONGEST);
    expect(run).not.toHaveBeenCalled();
    timer.stop();
    expect(jest.getTimerCount()).toBe(0);
  });

  it.each([10, 3 * LONGEST])('of %d ms that is stopped does nothing', (ms) => {
    const run = jest.fn();
    const timer = startTimer(run, ms);
    jest.advanceTimersByTime(ms / 2);
    timer.stop();
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(ms);
    expect(run).not.toHaveBeenCalled();
  });
});

describe('a timer that does not keep the process alive', () => {
  it('keeps it alive in none of its steps', () => {
    jest.useRealTimers();
    const handles: { hasRef(): boolean }[] = [];
    const steps: (() => void)[] = [];
    const spy = jest.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void) => {
      const handle = {
        isHeld: true,
        hasRef: () => handle.isHeld,
        unref: () => Object.assign(handle, { isHeld: false }),
      };
      handles.push(handle);
      steps.push(run);
      return handle;
    }) as never);
    startTimer(() => undefined, 3 * LONGEST).unref();
    for (let n = 0; n < 2; n++) steps[n]?.();
    spy.mockRestore();
    expect(handles.map((handle) => handle.hasRef())).toEqual([false, false, false]);
  });
});

describe('what waits with a timer', () => {
  it('a delay of 25 days does not become one of 1 ms', async () => {
    const done = jest.fn();
    void delay(25 * DAY).then(done);
    await jest.advanceTimersByTimeAsync(25 * DAY - 1);
    expect(done).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(done).toHaveBeenCalledTimes(1);
  });

  it('a deadline of 25 days does not become one of 1 ms', async () => {
    const late = jest.fn();
    void withDeadline(new Promise(() => undefined), 25 * DAY).catch(late);
    await jest.advanceTimersByTimeAsync(25 * DAY - 1);
    expect(late).not.toHaveBeenCalled();
    // `withDeadline` rejects in a `setImmediate` after its timer.
    await jest.advanceTimersByTimeAsync(2);
    expect(late).toHaveBeenCalledTimes(1);
  });
});
