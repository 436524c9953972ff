import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { isId, newTaskId } from './task-id.ts';

afterEach(() => {
  jest.useRealTimers();
});

describe('the id of a new task', () => {
  it('is a unique UUID of version 7', () => {
    const ids = Array.from({ length: 10_000 }, newTaskId);
    expect(ids.every(isId)).toBe(true);
    // Their random ends differ, so ids of two processes differ too.
    expect(new Set(ids.map((id) => id.slice(-10))).size).toBe(10_000);
  });

  it('comes after those before it, also within a millisecond and when the clock goes back', () => {
    jest.useFakeTimers({ now: Date.UTC(2200, 0) });
    const ids = Array.from({ length: 1_000 }, newTaskId);
    jest.setSystemTime(Date.UTC(2199, 0));
    ids.push(...Array.from({ length: 1_000 }, newTaskId));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(2_000);
  });
});
