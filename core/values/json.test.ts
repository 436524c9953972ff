// Which values pass through JSON unchanged, and what is said about those that do not.
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cpuMsOf } from '../../test/support/cpu-time.ts';
import { anyValue } from '../../test/support/fakes/any-value.ts';
import { placeOf, toJson } from './json.ts';

const MAX = 65_536;
/** Why the value is refused, or null. */
const faultOf = (value: unknown, max = MAX) => {
  const outcome = toJson(value, max);
  return outcome.ok ? null : outcome.fault;
};
/** Lists and objects inside each other, `depth` of them. */
const nested = (depth: number) => {
  let value: unknown = 0;
  for (let n = 0; n < depth; n++) value = n % 2 ? [value] : { in: value };
  return value;
};
const throwing = {
  get x(): never {
    throw new Error('hunter2');
  },
};
const traps = ['getPrototypeOf', 'ownKeys', 'get', 'has', 'getOwnPropertyDescriptor'];
/** An object that throws at each of these ways to look at it. */
const hostile = (names = traps) =>
  new Proxy(
    {},
    Object.fromEntries(
      names.map((trap) => [
        trap,
        () => {
          throw new Error('trap');
        },
      ]),
    ),
  );
class Point {
  x = 1;
}

describe('a value that JSON keeps', () => {
  it('is any JSON value, as JSON.stringify writes it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        expect(toJson(value, 1e9)).toEqual({ ok: true, text: JSON.stringify(value) });
      }),
    );
  });

  const shared = { n: 1 };
  it.each<[string, unknown, string]>([
    ['-0, as 0', { n: -0 }, '{"n":0}'],
    ['properties that are undefined, left out', { a: undefined, b: 1, c: undefined }, '{"b":1}'],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ['a plain object of another realm', runInNewContext('({ a: [1, { b: null }] })'), '{"a":[1,{"b":null}]}'],
    ['the key __proto__', JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
    ['one object at two places', [shared, shared], '[{"n":1},{"n":1}]'],
    [
      'a getter that gives something',
      {
        get a() {
          return 1;
        },
      },
      '{"a":1}',
    ],
    ['half of a surrogate pair, escaped', '\ud800', '"\\ud800"'],
    ['a proxy that behaves', new Proxy({ a: [1] }, {}), '{"a":[1]}'],
    ['a property that is not enumerable, left out', Object.defineProperty({}, 'hidden', { value: () => 1 }), '{}'],
    ['256 levels', nested(256), JSON.stringify(nested(256))],
  ])('%s', (_what, value, text) => {
    expect(toJson(value, MAX)).toEqual({ ok: true, text });
  });

  it('is written as it was checked: each property is read once', () => {
    let reads = 0;
    const value = {
      get n() {
        return reads++ === 0 ? 1 : 10n;
      },
    };
    expect(toJson(value, MAX)).toEqual({ ok: true, text: '{"n":1}' });
  });

  it('is not asked for toJSON, which would change it unseen', () => {
    const prototype = BigInt.prototype as { toJSON?: () => string };
    prototype.toJSON = () => 'text';
    try {
      expect(faultOf({ n: 1n })).toMatchObject({ kind: 'not_json', path: ['n'] });
    } finally {
      delete prototype.toJSON;
    }
  });
});

describe('a value that JSON does not keep is refused', () => {
  const circular: Record<string, unknown> = {};
  circular.self = { again: circular };
  const array = Object.assign([1], { index: 0 });
  const revoked = Proxy.revocable([], {});
  revoked.revoke();
  // biome-ignore lint/suspicious/noSparseArray: holes are what this is about
  const holes = [1, , 3];

  it.each<[string, unknown, (string | number)[], RegExp]>([
    ['a BigInt', { a: [{ n: 10n }] }, ['a', 0, 'n'], /^is a BigInt\. Give it as a text or a number$/],
    ['a circle', circular, ['self', 'again'], /^is a circular reference/],
    ['a function', { f() {} }, ['f'], /^is a function$/],
    ['a function at the root', () => 1, [], /^is a function$/],
    ['a symbol', [Symbol('x')], [0], /^is a symbol$/],
    ['a symbol as a key', { a: { [Symbol('x')]: 1 } }, ['a'], /^has a symbol as a key/],
    ['undefined in an array', { a: [1, undefined] }, ['a', 1], /^is undefined\. Give null$/],
    ['undefined itself', undefined, [], /^is undefined/],
    ['NaN', { x: Number.NaN }, ['x'], /^is NaN/],
    ['Infinity', [Number.NEGATIVE_INFINITY], [0], /^is -Infinity/],
    ['a Date', { at: new Date(0) }, ['at'], /^is a Date\. Give its toISOString\(\)$/],
    ['an invalid Date', new Date(Number.NaN), [], /^is a Date/],
    ['a Map', { m: new Map() }, ['m'], /^is a Map\. Give Object\.fromEntries\(map\)$/],
    ['a Set', new Set([1]), [], /^is a Set\. Give \[\.\.\.set\]$/],
    ['a promise that nobody awaited', { p: Promise.resolve(1) }, ['p'], /^is a Promise\. Await it$/],
    ['an error', { e: new Error('hunter2') }, ['e'], /^is an Error\. Give its message$/],
    ['a buffer', Buffer.from('x'), [], /^is a Buffer/],
    ['a class with toJSON', { u: new URL('http://a.b') }, ['u'], /^is a URL\. Give a plain object/],
    [
      'a class without toJSON',
      { p: new Point() },
      ['p'],
      /^is a Point\. Give a plain object, for example \{ \.\.\.it \}$/,
    ],
    ['a boxed text', { s: Object('x') }, ['s'], /^is a String/],
    ['a hole', { a: holes }, ['a'], /^has no element 1/],
    ['a named property of an array', { a: array }, ['a'], /^is an array with a property "index"/],
    ['a getter that throws', [{ a: throwing }], [0, 'a', 'x'], /^throws when it is read$/],
    ['a proxy that throws on every trap', { p: hostile() }, ['p'], /^throws when it is read$/],
    [
      'a proxy that throws when it is read',
      {
        p: new Proxy(
          { a: 1 },
          {
            get: () => {
              throw 1;
            },
          },
        ),
      },
      ['p', 'a'],
      /^throws/,
    ],
    ['a revoked proxy', revoked.proxy, [], /^throws/],
  ])('%s', (_what, value, path, message) => {
    expect(faultOf(value)).toEqual({ kind: 'not_json', path, message: expect.stringMatching(message) });
  });

  it.each([257, 6_000, 200_000])('what is nested %d deep, without a stack overflow', (depth) => {
    const fault = faultOf(nested(depth), 1e9);
    expect(fault).toMatchObject({ kind: 'too_deep', message: 'is nested deeper than 256 levels' });
    expect(fault?.path).toHaveLength(256);
  });

  it('what is too large, counted in bytes of UTF-8', () => {
    expect(faultOf('x'.repeat(8), 10)).toBeNull();
    expect(faultOf('x'.repeat(9), 10)).toMatchObject({ kind: 'too_large', path: [] });
    expect(faultOf('€'.repeat(3), 10)).toMatchObject({ kind: 'too_large' });
    expect(faultOf([1, 2, 3], 6)).toMatchObject({ kind: 'too_large' });
    expect(faultOf([1, 2, 3], 7)).toBeNull();
  });

  it('what is huge, at once', () => {
    // 30 levels that each name the next one ten times: 10^30 objects, if all were visited.
    let laughs: unknown = 1;
    for (let n = 0; n < 30; n++) laughs = Array(10).fill(laughs);
    const huge = [laughs, new Array(4_000_000_000), Array(5_000_000).fill(1), 'x'.repeat(100_000_000)];
    let faults: unknown[] = [];
    const spent = cpuMsOf(() => {
      faults = huge.map((value) => faultOf(value));
    });
    expect(faults).toEqual(huge.map(() => expect.objectContaining({ kind: 'too_large', path: [] })));
    expect(spent).toBeLessThan(1_000);
  });

  it('no value makes it throw, and what is not refused is written as JSON.stringify writes it', () => {
    fc.assert(
      fc.property(anyValue({ withObjectString: true, maxDepth: 4 }), (value) => {
        const outcome = toJson(value, MAX);
        return !outcome.ok || outcome.text === JSON.stringify(value);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the place of a fault', () => {
  it('is a path for people, with keys cut', () => {
    expect(placeOf({ path: ['people', 0, 'born'] })).toBe('people.0.born');
    expect(placeOf({ path: [] })).toBe('the value itself');
    expect(placeOf({ path: ['k'.repeat(500)] })).toHaveLength(100);
  });
});
