import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { EarliestTimer } from './earliest-timer.ts';

let calls: number[];
let timer: EarliestTimer;

beforeEach(() => {
  jest.useFakeTimers();
  calls = [];
  timer = new EarliestTimer(() => calls.push(performance.now()));
});

afterEach(() => {
  jest.useRealTimers();
});

it('fires once, at the earliest of the times it was given', async () => {
  const now = performance.now();
  for (const ms of [300, 100, 200, Number.POSITIVE_INFINITY]) timer.schedule(now + ms);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(calls).toEqual([now + 100]);
});

it('does not fire too early for a time between two ms', async () => {
  const now = performance.now();
  timer.schedule(now + 10.2);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(calls).toEqual([now + 11]);
});

it('fires for what is scheduled after it has fired, and at once for what is past', async () => {
  const now = performance.now();
  timer.schedule(now + 100);
  await jest.advanceTimersByTimeAsync(500);
  timer.schedule(Number.NEGATIVE_INFINITY);
  await jest.advanceTimersByTimeAsync(1);
  expect(calls).toHaveLength(2);
});

it('never fires once it is stopped', async () => {
  timer.schedule(performance.now() + 100);
  timer.stop();
  timer.schedule(performance.now() + 50);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(calls).toEqual([]);
});
