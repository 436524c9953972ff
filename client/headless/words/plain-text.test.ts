import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { failed, succeeded } from '../../test-support/snapshots.ts';
import { announce } from '../announce.ts';
import { isolate, mayChangeDirection } from './plain-text.ts';
import { ENGLISH } from './wording.ts';

const OVERRIDE = '\u202e';
/** The characters that open a direction or an isolate. U+202C and U+2069 end one. */
const OPENING = /[\u202a\u202b\u202d\u202e\u2066-\u2068]/g;
const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;

const anyName = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      ...'\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200f\u061c\n\r\t\u0000\u2028\u2029\u0085',
    ),
    fc.constantFrom('a', 'ש', 'ع', '7', ' ', '.'),
    fc.string({ minLength: 1, maxLength: 1, unit: 'grapheme' }),
  ),
});

describe('a name in a sentence', () => {
  it('never changes the direction of the text beside it, and never breaks the line', () => {
    fc.assert(
      fc.property(anyName, fc.constantFrom('en', 'he-IL', 'ar'), (name, locale) => {
        const said = isolate(name, locale);
        // Nothing is open at its end, and nothing ends that it did not open.
        expect(count(said, OPENING)).toBe(count(said, /[\u202c\u2069]/g));
        expect(said.slice(1, -1)).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
        expect(said).not.toMatch(/\p{Cc}|[\u2028\u2029]/u);
        if (/[\u0590-\u08ff]/.test(said) || locale !== 'en') expect(said).toMatch(/^\u2068.*\u2069$/u);
      }),
    );
  });

  it('stays as it is if nothing in it needs to be isolated', () => {
    for (const name of ['Import contacts.csv', 'Übersicht für Zoë', '名前.csv', '', '👩‍👩‍👧 50 %'])
      expect(isolate(name)).toBe(name);
    expect(mayChangeDirection('Übersicht')).toBe(false);
    expect(mayChangeDirection('שלום')).toBe(true);
    expect(mayChangeDirection(`a${OVERRIDE}`)).toBe(true);
  });

  it('is isolated in announcements and notifications, so that the reason stays readable', () => {
    const task = { ...failed(1, `Bad${OVERRIDE} row\n2`), title: `gpj.${OVERRIDE}exe` } as ReturnType<typeof failed>;
    expect(announce([task as never], ENGLISH)).toBe('Failed: gpj.exe. Bad row 2');
    const hebrew = { ...succeeded(1), title: 'ייבוא (1)' } as never;
    expect(announce([hebrew], ENGLISH)).toBe('Done: \u2068ייבוא (1)\u2069');
  });
});
