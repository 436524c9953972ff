import { describe, expect, it } from '@jest/globals';
import { asTaskError, TaskError } from './error.ts';

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

  it('gives a snapshot its code and message, and nothing else', () => {
    const error = new TaskError('oops', 'It broke.', { cause: new Error('password=hunter2'), status: 503 });
    expect(error.toFailure()).toEqual({ code: 'oops', message: 'It broke.', retryable: true });
  });
});

describe('asTaskError', () => {
  it('leaves a TaskError as it is', () => {
    const error = new TaskError('oops', 'It broke.');
    expect(asTaskError(error)).toBe(error);
  });

  it.each([new Error('connect redis://user:hunter2@db'), 'hunter2', null, undefined, { message: 'hunter2' }])(
    'hides anything else, and keeps it for the log: %p',
    (thrown) => {
      const error = asTaskError(thrown);
      expect(error).toMatchObject({ code: 'internal', message: 'Something went wrong on our side.', retryable: true });
      expect(JSON.stringify([error, error.toFailure(), error.message])).not.toContain('hunter2');
      expect(error.cause).toBe(thrown);
    },
  );
});
