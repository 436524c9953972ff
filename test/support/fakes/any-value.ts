// Random text and random values for property tests. fast-check has such text itself (`unit: 'binary'`), but it first computes
// a table of all characters, which costs each test file more than a second.
import fc from 'fast-check';

const SURROGATES = { from: 0xd800, count: 0x800 } as const;

/** Any character. A lone surrogate is not a character. */
const anyCharacter = fc.integer({ min: 0, max: 0x10ffff - SURROGATES.count }).map(
  (n) => String.fromCodePoint(n < SURROGATES.from ? n : n + SURROGATES.count),
  // The way back: with it fast-check also tries strings that often break programs, such as `__proto__`.
  (text) => {
    const point = typeof text === 'string' ? text.codePointAt(0) : undefined;
    if (point === undefined || String.fromCodePoint(point) !== text) throw new Error('not one character');
    if (point < SURROGATES.from) return point;
    if (point < SURROGATES.from + SURROGATES.count) throw new Error('a lone surrogate');
    return point - SURROGATES.count;
  },
);

/** Any well-formed Unicode text. Lengths count characters. */
export function anyText(lengths: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<string> {
  return fc.string({ ...lengths, unit: anyCharacter });
}

/** Any value that a handler could give, and that JSON may not know: a BigInt, a Map, a sparse array and so on. */
export function anyValue(constraints: fc.ObjectConstraints = {}): fc.Arbitrary<unknown> {
  return fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
    ...constraints,
  });
}
