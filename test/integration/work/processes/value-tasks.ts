// Tasks whose handlers throw or return values that JSON cannot keep. For values.test.ts and its worker process.
import { z } from 'zod';
import { TaskError } from '../../../../core/error.ts';
import { defineTask } from '../../../../core/tasks/definition.ts';

const fails = (): never => {
  throw new Error('trap');
};
const circular = () => {
  const response: Record<string, unknown> = { status: 500 };
  response.request = { response };
  return response;
};
const hostile = (target: object = {}) =>
  new Proxy(target, { get: fails, has: fails, ownKeys: fails, getPrototypeOf: fails, getOwnPropertyDescriptor: fails });
const withGetter = (name: string, error: Error = new Error('x')) => Object.defineProperty(error, name, { get: fails });
const malformed = (fields: object) => Object.assign(new TaskError('code', 'A message.', { retryable: false }), fields);
const cyclicCause = () => {
  const error: Error = new Error('outer');
  error.cause = new Error('inner', { cause: error });
  return error;
};

/** What a handler throws, by name. */
export const THROWN: Readonly<Record<string, () => unknown>> = {
  'an error': () => new Error('x'),
  'a circle': circular,
  'a BigInt': () => 10n,
  'a BigInt within': () => ({ n: 10n }),
  'a symbol': () => Symbol('x'),
  undefined: () => undefined,
  null: () => null,
  'a text': () => 'x',
  'an object without a prototype': () => Object.create(null),
  'a proxy that throws on every trap': () => hostile(),
  'a TaskError behind such a proxy': () => hostile(new TaskError('code', 'A message.')),
  'something frozen': () => Object.freeze(new Error('x')),
  'an error whose stack throws': () => withGetter('stack'),
  'an error whose cause throws': () => withGetter('cause'),
  'an error whose causes are a circle': cyclicCause,
  'a TaskError without a code': () => malformed({ code: undefined }),
  'a TaskError whose code is a number': () => malformed({ code: 404 }),
  'a TaskError whose code is null': () => malformed({ code: null }),
  'a TaskError whose message is an object': () => malformed({ message: {} }),
  'a TaskError whose retryable is a text': () => malformed({ retryable: 'no' }),
  'a TaskError whose status is a text': () => malformed({ status: '404' }),
  'a TaskError whose code throws': () => withGetter('code', new TaskError('code', 'A message.')),
  'a message of 1 MB': () => new TaskError('long', 'm'.repeat(1_000_000)),
};

/** What a handler returns, by name: none of it survives JSON. */
export const RETURNED: Readonly<Record<string, () => unknown>> = {
  'a BigInt': () => ({ n: 10n }),
  'a circle': circular,
  'a Date': () => ({ at: new Date(0) }),
  'a Map': () => new Map([['a', 1]]),
  'a function': () => ({ f: fails }),
  NaN: () => ({ x: Number.NaN }),
  'a hole': () => [1, undefined, 3],
  'a getter that throws': () => Object.defineProperty({}, 'x', { get: fails, enumerable: true }),
  'a proxy that throws': () => ({ inner: hostile() }),
  '6,000 levels': () => JSON.parse(`${'['.repeat(6_000)}${']'.repeat(6_000)}`),
};

/** Throws what `THROWN` has under the name `what`. */
export const throwing = defineTask({ name: 'throwing', input: z.object({ what: z.string() }), attempts: 1 });
/** Returns what `RETURNED` has under the name `what`. */
export const returning = defineTask({
  name: 'returning',
  input: z.object({ what: z.string() }),
  attempts: 3,
  backoff: { initial: 10 },
});
/** Its schema turns an input into a different one, with a new random tag each time that it is parsed. Its first attempt fails. */
export const defaulting = defineTask({
  name: 'defaulting',
  input: z.object({ n: z.coerce.number(), tag: z.string().default(() => `tag-${Math.random()}`) }),
  title: (input) => `${input.n} ${input.tag}`,
  attempts: 2,
  backoff: { initial: 10 },
});
/** Its deadline is 25 days away; a timer of Node can wait at most 24.8 days. */
export const patient = defineTask({
  name: 'patient',
  input: z.object({}),
  deadline: '25d',
  backoff: { initial: '30d', max: '3653d' },
});

export const VALUE_TASKS = [throwing, returning, defaulting, patient] as const;
