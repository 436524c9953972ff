/**
 * Refuses a CSV that nobody could mean while it arrives, before any of it is worth keeping: with 49 MB of commas, a
 * reader of CSV holds millions of empty fields. Looks at each byte once and keeps a few numbers.
 */

import { TaskError } from 'inloop';
import { notCsv } from '../uploads/inspect-upload.ts';
import { checkText } from './text-check.ts';

/** Most rows below the header. */
const MAX_ROWS = 1_000_000;
/** Most fields of a row. */
const MAX_FIELDS = 1_000;
/** Longest row in characters, quotation marks and separators counted; read-csv.ts goes by what is left without them. */
const MAX_ROW_LENGTH = 262_144;
/** Most empty lines. They cost time and say nothing. */
const MAX_EMPTY_LINES = 10_000;
/** By these bytes another kind of file is told from a CSV with a fault. */
const HEAD_BYTES = 4_096;

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SEPARATORS: Readonly<Record<number, number>> = { 44: 0, 59: 1, 9: 2 };

/** Follows one file. */
export class CsvLimit {
  #head: Buffer = Buffer.alloc(0);
  /** Rows that are over, the header among them. */
  #rows = 0;
  #emptyLines = 0;
  #length = 0;
  /** Commas, semicolons and tabs of this row, outside of quotation marks. Which of them separates, the reader finds out. */
  readonly #separators = [0, 0, 0];
  #isQuoted = false;
  #afterReturn = false;

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
      // The other bytes of a character in UTF-8 begin with 10.
      else if ((byte & 0xc0) !== 0x80) this.#takeCharacter(byte);
    }
  }

  #takeCharacter(byte: number): void {
    this.#afterReturn = false;
    if (++this.#length > MAX_ROW_LENGTH) this.#refuseLength();
    if (byte === QUOTE) {
      this.#isQuoted = !this.#isQuoted;
      return;
    }
    const separator = SEPARATORS[byte];
    if (separator === undefined || this.#isQuoted) return;
    const count = (this.#separators[separator] as number) + 1;
    this.#separators[separator] = count;
    if (count >= MAX_FIELDS) this.#refuse('too_many_columns', `${this.#row()} has more than ${MAX_FIELDS} columns`);
  }

  #endLine(byte: number): void {
    // CRLF is one end of one line.
    const isSecondHalf = byte === LINE_FEED && this.#afterReturn;
    this.#afterReturn = byte === CARRIAGE_RETURN;
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
    this.#separators.fill(0);
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
    const message = `${what}. Expected a CSV of contacts, with a header and a row for each.`;
    throw new TaskError(code, message, { retryable: false, status: 422 });
  }
}
