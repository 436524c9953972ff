import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DueTimer } from './due-timer.ts';

const REDIS_TIME = 1_000_000;
let calls: number;
let timer: DueTimer;
let began: number;

beforeEach(() => {
  jest.useFakeTimers();
  calls = 0;
  began = performance.now();
  timer = new DueTimer({
    clock: { now: () => REDIS_TIME + performance.now() - began },
    longestWait: 1_000,
    onDue: () => {
      calls += 1;
    },
  });
});
afterEach(() => {
  timer.stop();
  jest.useRealTimers();
});

describe('the due timer', () => {
  it('calls when a job is due by Redis’ clock, whatever the machine’s clock says', () => {
    timer.schedule(REDIS_TIME + 200);
    jest.setSystemTime(Date.now() - 600_000);
    jest.advanceTimersByTime(199);
    expect(calls).toBe(0);
    jest.advanceTimersByTime(1);
    expect(calls).toBe(1);
  });

  it('calls at the earliest of several times, and at once for what is overdue', () => {
    timer.schedule(REDIS_TIME + 500);
    timer.schedule(REDIS_TIME + 900);
    timer.schedule(REDIS_TIME + 100);
    jest.advanceTimersByTime(100);
    expect(calls).toBe(1);
    timer.schedule(REDIS_TIME - 60_000);
    jest.advanceTimersByTime(0);
    expect(calls).toBe(2);
  });

  it('calls again after the longest wait, although no time was scheduled', () => {
    // NaN: it is not known when a job is due.
    timer.schedule(Number.NaN);
    jest.advanceTimersByTime(3_000);
    expect(calls).toBe(3);
  });

  it('waits no longer than that for a time that is far away', () => {
    timer.schedule(REDIS_TIME + 2 ** 40);
    jest.advanceTimersByTime(1_000);
    expect(calls).toBe(1);
  });

  it('that was stopped does not call', () => {
    timer.schedule(REDIS_TIME + 10);
    timer.stop();
    timer.schedule(REDIS_TIME + 10);
    jest.advanceTimersByTime(5_000);
    expect(calls).toBe(0);
  });
});
