import { describe, expect, it } from '@jest/globals';
import { FAILURE, move, newTask, TEST_ID, time } from '../test/support/task-events.ts';
import { firstJobOf, jobOf, parseJob } from './job.ts';

describe('the job of a task', () => {
  const queued = newTask();
  const running = move(queued, { type: 'start', at: time(1) });
  const retrying = move(running, { type: 'fail', at: time(2), attempt: 1, error: FAILURE });

  it('names the attempt that is waited for, and is none where none is', () => {
    expect(jobOf(queued)).toBe(`${TEST_ID}:1`);
    expect(jobOf(queued)).toBe(firstJobOf(TEST_ID));
    expect(jobOf(retrying)).toBe(`${TEST_ID}:2`);
    for (const task of [
      running,
      move(running, { type: 'cancel', at: time(2) }),
      move(queued, { type: 'cancel', at: time(2) }),
    ]) {
      expect(jobOf(task)).toBeNull();
    }
  });

  it('is read back, and whatever is no job of ours is none', () => {
    expect(parseJob(`${TEST_ID}:12`)).toEqual({ id: TEST_ID, attempt: 12 });
    for (const other of ['', TEST_ID, `${TEST_ID}:`, `${TEST_ID}:x`, ':1', 'a:b:1', '17'])
      expect(parseJob(other)).toBeNull();
  });
});
