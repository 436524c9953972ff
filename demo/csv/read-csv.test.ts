import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { TaskError } from 'inloop';
import { countRows } from './count-rows.ts';
import { type CsvRow, readCsv } from './read-csv.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'inloop-csv-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Writes a file. Returns its path. */
const file = (content: string | Buffer) => {
  const path = join(dir, 'file.csv');
  writeFileSync(path, content);
  return path;
};

/** The rows of a file, up to the error where there is one. */
async function read(content: string | Buffer) {
  const rows: CsvRow[] = [];
  try {
    for await (const row of readCsv(file(content))) rows.push(row);
    return { rows, fields: rows.map((row) => row.fields), error: null };
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    return { rows, fields: rows.map((row) => row.fields), error };
  }
}

describe('reading a CSV', () => {
  it('reads quoted fields with separators, quotes and line breaks in them', async () => {
    const { fields } = await read('name,email\n"Lee, ""Bo""\nJr.",bo@example.com\n');
    expect(fields).toEqual([
      ['name', 'email'],
      ['Lee, "Bo"\nJr.', 'bo@example.com'],
    ]);
  });

  it.each([
    ['LF', 'a,b\n1,2\n3,4\n'],
    ['CRLF', 'a,b\r\n1,2\r\n3,4\r\n'],
    ['CR', 'a,b\r1,2\r3,4\r'],
    ['no line end after the last row', 'a,b\n1,2\n3,4'],
    ['mixed line ends', 'a,b\n"1","2"\r\n"3","4"\r\n'],
    ['a BOM', '\uFEFFa,b\n1,2\n3,4\n'],
    ['empty lines', '\n\na,b\n\n1,2\n\n3,4\n\n'],
    ['semicolons', 'a;b\n1;2\n3;4\n'],
    ['tabs', 'a\tb\n1\t2\n3\t4\n'],
  ])('takes a file with %s', async (_what, content) => {
    expect((await read(content)).fields).toEqual([
      ['a', 'b'],
      ['1', '2'],
      ['3', '4'],
    ]);
    expect(await countRows(file(content))).toBe(2);
  });

  it('reads a character whose bytes are in two chunks', async () => {
    // Chunks are 65,536 bytes. The header takes 2 bytes, every other line 64: each border of two chunks is 1 byte before the end
    // of a line's last character.
    const rows = Array.from({ length: 4_000 }, () => '語'.repeat(21));
    const { fields, error } = await read(`x\n${rows.join('\n')}\n`);
    expect(error).toBeNull();
    expect(fields.slice(1).join()).toBe(rows.join());
  });

  it('numbers the rows, and says on which line each begins', async () => {
    const { rows } = await read('a,b\r\n"1\r\n1",2\r\n\r\n3,4\r\n');
    expect(rows.map(({ number, line }) => [number, line])).toEqual([
      [0, 1],
      [1, 2],
      [2, 5],
    ]);
  });

  it.each([
    ['a quotation mark that is never closed', 'a,b\n1,2\n"3,4\n5,6\n', 'broken_csv'],
    ['text after a closing quotation mark', 'a,b\n1,2\n"3"x,4\n5,6\n', 'broken_csv'],
    ['a quotation mark within a value', 'a,b\n1,2\n3"x,4\n5,6\n', 'broken_csv'],
    ['a quotation mark that is closed 100,000 rows later', `a,b\n1,2\n"3,4\n${'5,6\n'.repeat(100_000)}`, 'broken_csv'],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from('a,b\n1,2\n3,'), Buffer.from([0xe4, 0x6e]), Buffer.from('\n')]),
      'not_text',
    ],
    [
      'a character that is cut off',
      Buffer.concat([Buffer.from('a,b\n1,2\n3,'), Buffer.from('語').subarray(0, 2)]),
      'not_text',
    ],
    [
      'binary data',
      Buffer.concat([Buffer.from('a,b\n1,2\n3,'), Buffer.alloc(100), Buffer.from('\n5,6\n')]),
      'not_text',
    ],
  ])('yields the rows before %s, then names the row with the fault', async (_what, content, code) => {
    const { fields, error } = await read(content);
    expect(fields).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ]);
    expect(error).toMatchObject({ code, retryable: false });
    expect(error?.message).toContain('Row 2 (line 3 of the file)');
  });

  it('stops when its signal is aborted', async () => {
    const path = file(`a\n${'1\n'.repeat(200_000)}`);
    const stop = new AbortController();
    const rows = readCsv(path, stop.signal);
    await rows.next();
    stop.abort(new Error('enough'));
    const rest = (async () => {
      for await (const _ of rows);
    })();
    await expect(rest).rejects.toThrow();
  });

  it('reads back whatever csv-stringify writes, and counts its rows', async () => {
    const field = fc
      .string({ unit: 'grapheme', maxLength: 12 })
      .filter((text) => !/[\p{Cc}\p{Cs}\uFEFF]/u.test(text.replace(/[\r\n\t]/g, '')));
    const cell = fc.oneof(field, fc.constantFrom('a"b', 'x,y', 'line\nbreak', 'line\r\nbreak', ' '));
    const rowOf = fc.tuple(fc.constant('k'), cell, cell).map((row) => row as string[]);
    await fc.assert(
      fc.asyncProperty(fc.array(rowOf, { minLength: 1, maxLength: 20 }), async (rows) => {
        const content = stringify([['h1', 'h2', 'h3'], ...rows]);
        expect((await read(content)).fields.slice(1)).toEqual(rows);
        expect(await countRows(file(content))).toBe(rows.length);
      }),
      { numRuns: 100 },
    );
  });
});
