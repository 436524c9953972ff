import { describe, expect, it } from '@jest/globals';
import { TaskError } from './error.ts';
import { MAX_ERROR_CODE_LENGTH, MAX_ERROR_MESSAGE_LENGTH } from './limits.ts';

describe('TaskError', () => {
  it('is retryable and a 500 unless it says otherwise', () => {
    expect(new TaskError('oops', 'It broke.')).toMatchObject({
      name: 'TaskError',
      retryable: true,
      status: 500,
      issues: [],
      retryAfter: null,
    });
  });

  it('keeps within the limits of a snapshot', () => {
    const error = new TaskError('c'.repeat(1_000), 'm'.repeat(1_000));
    expect(error.code).toHaveLength(MAX_ERROR_CODE_LENGTH);
    expect(error.message).toHaveLength(MAX_ERROR_MESSAGE_LENGTH);
  });

  it('gives a snapshot its code and message, and nothing else', () => {
    const error = new TaskError('oops', 'It broke.', { cause: new Error('password=hunter2'), status: 503 });
    expect(error.toFailure()).toEqual({ code: 'oops', message: 'It broke.', retryable: true });
  });
});

describe('TaskError.from', () => {
  it('leaves a TaskError as it is', () => {
    const error = new TaskError('oops', 'It broke.');
    expect(TaskError.from(error)).toBe(error);
  });

  it.each([new Error('connect redis://user:hunter2@db'), 'hunter2', null, undefined, { message: 'hunter2' }])(
    'hides anything else, and keeps it for the log: %p',
    (thrown) => {
      const error = TaskError.from(thrown);
      expect(error).toMatchObject({ code: 'internal', message: 'Something went wrong on our side.', retryable: true });
      expect(JSON.stringify([error, error.toFailure(), error.message])).not.toContain('hunter2');
      expect(error.cause).toBe(thrown);
    },
  );
});
