import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sampleCsv } from '../tools/sample-rows.ts';
import { CsvLimit } from './limit-csv.ts';

/** The code with which a file is refused when it arrives in pieces of `size` bytes; null if it is accepted. */
function refusal(file: Buffer | string, size = 65_536): string | null {
  const bytes = Buffer.from(file);
  const limit = new CsvLimit();
  try {
    for (let from = 0; from < bytes.length; from += size) limit.take(bytes.subarray(from, from + size));
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a CSV that arrives', () => {
  it.each<[string, string | Buffer, string | null]>([
    ['1,000 columns', `email${',c'.repeat(999)}\n`, null],
    ['1,001 columns', `email${',c'.repeat(1_000)}\n`, 'too_many_columns'],
    ['1,001 columns by semicolons', `email${';c'.repeat(1_000)}\n`, 'too_many_columns'],
    ['1,001 columns by tabs', `email${'\tc'.repeat(1_000)}\n`, 'too_many_columns'],
    ['5,000 commas in a quoted field', `email\n"${','.repeat(5_000)}"\n`, null],
    ['601 columns in each of two rows', `email${',c'.repeat(600)}\n${',c'.repeat(600)}\n`, null],
    ['10,000 empty lines', `email\n${'\n'.repeat(10_000)}`, null],
    ['10,001 empty lines', `email\n${'\n'.repeat(10_001)}`, 'too_many_empty_lines'],
    ['10,000 empty lines of Windows', `email\r\n${'\r\n'.repeat(10_000)}`, null],
    ['20,000 lines in a quoted field', `email\n"${'\n'.repeat(20_000)}"\n`, null],
    ['a row of 262,144 characters', `email\n${'é'.repeat(262_144)}\n`, null],
    ['a row of 262,145 characters', `email\n${'é'.repeat(262_145)}\n`, 'broken_csv'],
    ['a million rows', `email\n${'a\n'.repeat(1_000_000)}`, null],
    ['1,000,001 rows', `email\n${'a\n'.repeat(1_000_001)}`, 'too_many_rows'],
    ['a picture', Buffer.concat([Buffer.from([0x89, 0x50, 0x00]), Buffer.alloc(300_000, 'x')]), 'not_csv'],
  ])('with %s', (_what, file, code) => {
    expect(refusal(file)).toBe(code);
  });

  it('names the row in the error', () => {
    const limit = new CsvLimit();
    expect(() => limit.take(Buffer.from(`email\na@b.co\n"${'x'.repeat(300_000)}`))).toThrow(
      'Row 2 is longer than 262,144 characters. Most likely a quotation mark is opened there and never closed.',
    );
  });

  it('is accepted or refused alike, whatever the size of its pieces', () => {
    const text = fc.array(fc.constantFrom('"', ',', '\n', '\r', 'é', 'a', '\r\n', '""'), { maxLength: 50 });
    fc.assert(
      fc.property(text, fc.constantFrom(',', '\n', '"x', 'x'), fc.integer({ min: 1, max: 7 }), (parts, tail, size) => {
        const file = parts.join('') + tail.repeat(11_000);
        expect(refusal(file, size)).toBe(refusal(file));
      }),
      { numRuns: 50 },
    );
  });

  it.each(['broken', 'torn'] as const)('is accepted when it is %s: the import says what is wrong', (kind) => {
    expect(refusal([...sampleCsv({ rows: 60, kind })].join(''))).toBeNull();
  });
});
