/**
 * Refuses CSV files with too many rows, columns or empty lines while they arrive. Without it a CSV parser would hold 49 million
 * empty fields in memory for 49 MB of commas. It looks at each byte once and keeps a few counters.
 */

import { refusal } from '../refusal.ts';
import { notCsv } from '../uploads/inspect-upload.ts';
import { checkText } from './text-check.ts';

/** Most rows below the header. */
const MAX_ROWS = 1_000_000;
/** Most fields of a row. */
const MAX_FIELDS = 1_000;
/** Longest row in characters, with quotation marks and separators. read-csv.ts has a lower limit, which leaves them out. */
const MAX_ROW_LENGTH = 262_144;
/** Most empty lines. Each costs time and adds no row, so the limit on rows does not bound them. */
const MAX_EMPTY_LINES = 10_000;
/** How many bytes from the start decide whether a bad file is a faulty CSV or another kind of file. */
const HEAD_BYTES = 4_096;

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** By the code of a separator (comma, semicolon, tab): its index in the counts. */
const SEPARATORS: Readonly<Record<number, number>> = { 44: 0, 59: 1, 9: 2 };

/** Checks one file while it arrives. */
export class CsvLimit {
  #head: Buffer = Buffer.alloc(0);
  /** Complete rows so far, with the header. */
  #rows = 0;
  #emptyLines = 0;
  /** Characters of this row so far. */
  #length = 0;
  /** Commas, semicolons and tabs of this row outside quotation marks. Any of them may be the separator. */
  readonly #separatorCounts = [0, 0, 0];
  #isQuoted = false;
  /** Whether the last byte was a carriage return. */
  #wasCarriageReturn = false;

  /**
   * Takes the next bytes.
   *
   * @throws TaskError `too_many_rows`, `too_many_columns`, `too_many_empty_lines`, `broken_csv` (422), `not_csv` (415)
   */
  take(bytes: Buffer): void {
    if (this.#head.length < HEAD_BYTES) {
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, HEAD_BYTES - this.#head.length)]);
    }
    for (const byte of bytes) {
      if (byte === LINE_FEED || byte === CARRIAGE_RETURN) this.#endLine(byte);
      // Counts characters, not bytes: in UTF-8 the later bytes of a character start with the bits 10.
      else if ((byte & 0xc0) !== 0x80) this.#takeCharacter(byte);
    }
  }

  #takeCharacter(byte: number): void {
    this.#wasCarriageReturn = false;
    if (++this.#length > MAX_ROW_LENGTH) this.#refuseLength();
    if (byte === QUOTE) {
      this.#isQuoted = !this.#isQuoted;
      return;
    }
    const separator = SEPARATORS[byte];
    if (separator === undefined || this.#isQuoted) return;
    const count = (this.#separatorCounts[separator] as number) + 1;
    this.#separatorCounts[separator] = count;
    if (count >= MAX_FIELDS) this.#refuse('too_many_columns', `${this.#row()} has more than ${MAX_FIELDS} columns`);
  }

  #endLine(byte: number): void {
    // CRLF ends one line, not two.
    const isSecondHalf = byte === LINE_FEED && this.#wasCarriageReturn;
    this.#wasCarriageReturn = byte === CARRIAGE_RETURN;
    if (isSecondHalf) return;
    if (this.#isQuoted) {
      if (++this.#length > MAX_ROW_LENGTH) this.#refuseLength();
      return;
    }
    if (this.#length === 0) {
      if (++this.#emptyLines <= MAX_EMPTY_LINES) return;
      this.#refuse(
        'too_many_empty_lines',
        `The file has more than ${MAX_EMPTY_LINES.toLocaleString('en')} empty lines`,
      );
    }
    if (++this.#rows > MAX_ROWS + 1) {
      this.#refuse('too_many_rows', `The file has more than ${MAX_ROWS.toLocaleString('en')} rows`);
    }
    this.#length = 0;
    this.#separatorCounts.fill(0);
  }

  #refuseLength(): never {
    const why = this.#isQuoted ? '. Most likely a quotation mark is opened there and never closed' : '';
    this.#refuse('broken_csv', `${this.#row()} is longer than ${MAX_ROW_LENGTH.toLocaleString('en')} characters${why}`);
  }

  #row(): string {
    return this.#rows === 0 ? 'The header' : `Row ${this.#rows}`;
  }

  #refuse(code: string, what: string): never {
    if (checkText(this.#head).fault !== null) throw notCsv();
    throw refusal(code, 422, `${what}. Expected a CSV of contacts, with a header and a row for each.`);
  }
}
