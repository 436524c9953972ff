import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyText } from '../../test/support/fakes/any-value.ts';
import { cut, describe as inWords, utf8Length } from './text.ts';

/** Any UTF-16, lone surrogates included. */
const anyUtf16 = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff })), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units));

const isWellFormed = (text: string) => Buffer.from(text).toString() === text;

describe('utf8Length', () => {
  it('is how many bytes the text takes as UTF-8', () => {
    for (const text of ['', 'a', 'ß', '€', '😀', '\ud83d', '\ude00', '\ude00\ud83d', '\ud83d\ud83d\ude00']) {
      expect(utf8Length(text)).toBe(Buffer.byteLength(text));
    }
    fc.assert(
      fc.property(anyUtf16, (text) => utf8Length(text) === Buffer.byteLength(text)),
      { numRuns: 2_000 },
    );
  });
});

describe('cut', () => {
  it('leaves what fits, and says where it cut', () => {
    expect(cut('abcd', 4)).toBe('abcd');
    expect(cut('abcde', 4)).toBe('abc…');
  });

  it('is well-formed Unicode, whatever it was given', () => {
    expect(cut('a\ud800', 4)).toBe('a\ufffd');
    fc.assert(
      fc.property(anyUtf16, fc.integer({ min: 1, max: 60 }), (text, max) => {
        const made = cut(text, max);
        return made.length <= max && isWellFormed(made);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves no half of a pair', () => {
    expect(cut('ab😀d', 4)).toBe('ab…');
    expect(cut('a😀de', 4)).toBe('a😀…');
    expect(cut('😀', 1)).toBe('…');
    fc.assert(
      fc.property(anyText({ maxLength: 60 }), fc.integer({ min: 1, max: 60 }), (text, max) => {
        const made = cut(text, max);
        expect(made.length).toBeLessThanOrEqual(max);
        expect(isWellFormed(made)).toBe(isWellFormed(text));
        expect(text.startsWith(made === text ? made : made.slice(0, -1))).toBe(true);
      }),
    );
  });
});

describe('a value in words', () => {
  it.each([
    ['soon', '"soon"'],
    ['x'.repeat(100), `"${'x'.repeat(79)}…"`],
    [2.5, '2.5'],
    [Number.NaN, 'NaN'],
    [null, 'null'],
    [undefined, 'undefined'],
    [true, 'true'],
    [5n, 'a BigInt'],
    [Symbol('x'), 'a symbol'],
    [() => 1, 'a function'],
    [[], 'a list'],
    [{ secret: 1 }, 'an object'],
  ])('is short, and says nothing of what is inside', (value, words) => {
    expect(inWords(value)).toBe(words);
  });
});
