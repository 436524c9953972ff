import { describe, expect, it } from '@jest/globals';
import { TEST_ID } from '../../test/support/task-events.ts';
import { jobIdOf, parseJobId } from './job.ts';

describe('the id of a job', () => {
  it('gives back the task and the run that it was made of', () => {
    for (const run of [1, 12]) {
      expect(parseJobId(jobIdOf({ id: TEST_ID, run }))).toEqual({ id: TEST_ID, run });
    }
  });

  it('in another form is not one of ours', () => {
    for (const other of ['', TEST_ID, `${TEST_ID}:`, `${TEST_ID}:x`, ':1', 'a:b:1', '17'])
      expect(parseJobId(other)).toBeNull();
  });
});
