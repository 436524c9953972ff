import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { asTaskError, TaskError, validFailure } from './error.ts';

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
    expect(validFailure(error)).toEqual({ code: 'oops', message: 'It broke.', retryable: true });
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
      expect(JSON.stringify([error, validFailure(error), error.message])).not.toContain('hunter2');
      expect(error.cause).toBe(thrown);
    },
  );

  const like = (fields: object) => Object.assign(new TaskError('code', 'A message.', { retryable: false }), fields);
  const failsAt = (name: string) =>
    Object.defineProperty(new TaskError('code', 'A message.'), name, {
      get: () => {
        throw new Error('getter');
      },
    });
  const proxy = (...traps: string[]) =>
    new Proxy(
      new TaskError('code', 'A message.'),
      Object.fromEntries(
        traps.map((trap) => [
          trap,
          () => {
            throw new Error('trap');
          },
        ]),
      ),
    );
  const INTERNAL = { code: 'internal', message: 'Something went wrong on our side.', retryable: true };

  it.each<[string, unknown, object]>([
    ['no code', like({ code: undefined }), { code: 'internal', message: 'A message.', retryable: false }],
    ['a number', like({ code: 404 }), { code: 'internal', message: 'A message.', retryable: false }],
    ['a BigInt', like({ code: 1n }), { code: 'internal' }],
    ['an empty code', like({ code: '' }), { code: 'internal' }],
    ['a long code', like({ code: 'c'.repeat(99) }), { code: `${'c'.repeat(63)}…` }],
    ['no message', like({ message: undefined }), { code: 'code', message: INTERNAL.message }],
    ['a message of 1 MB', like({ message: 'm'.repeat(1e6) }), { message: `${'m'.repeat(499)}…` }],
    ['retryable that is a text', like({ retryable: 'no' }), { retryable: true }],
    ['a status that is no number', like({ status: '404' }), { status: 500 }],
    ['a status of a success', like({ status: 200 }), { status: 500 }],
    ['issues that are no list', like({ issues: null }), { issues: [] }],
    ['a wait that is no number', like({ retryAfter: Number.NaN }), { retryAfter: null }],
    ['a code that throws when read', failsAt('code'), INTERNAL],
    ['a message that throws when read', failsAt('message'), INTERNAL],
    [
      'a proxy that throws on every trap',
      proxy('get', 'getPrototypeOf', 'ownKeys', 'getOwnPropertyDescriptor'),
      INTERNAL,
    ],
    ['a proxy that throws when read', proxy('get'), INTERNAL],
  ])('makes a valid error of one with %s', (_what, thrown, expected) => {
    const error = asTaskError(thrown);
    expect(error).toMatchObject(expected);
    expect(error).not.toBe(thrown);
    expect(error.cause).toBe(thrown);
    const { code, message, retryable } = error;
    expect(validFailure(error)).toEqual({ code, message, retryable });
  });

  it('leaves one that is frozen, and one of a class of its own', () => {
    class OwnError extends TaskError {}
    for (const error of [Object.freeze(new TaskError('oops', 'It broke.')), new OwnError('oops', 'It broke.')]) {
      expect(asTaskError(error)).toBe(error);
    }
  });

  // Node 22 made `stack` a getter of each error. A runtime may do so with any property that is not one of ours.
  it.each(['stack', 'cause', 'name', 'somethingNew'])('leaves one whose %s is a getter', (name) => {
    const error = new TaskError('oops', 'It broke.');
    Object.defineProperty(error, name, { get: () => 'read', set: () => undefined, configurable: true });
    expect(asTaskError(error)).toBe(error);
    expect(asTaskError(Object.freeze(error))).toBe(error);
  });

  it('never throws and never gives anything but texts and a boolean, whatever is thrown', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), fc.anything(), (any, code, message, retryable) => {
        for (const thrown of [any, like({ code, message, retryable, status: any, issues: any, retryAfter: any })]) {
          const failure = validFailure(asTaskError(thrown));
          expect(JSON.parse(JSON.stringify(failure))).toEqual({
            code: expect.stringMatching(/^[\s\S]{1,64}$/),
            message: expect.stringMatching(/^[\s\S]{1,500}$/),
            retryable: expect.any(Boolean),
          });
        }
      }),
    );
  });
});
