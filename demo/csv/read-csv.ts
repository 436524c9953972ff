/**
 * Reads a CSV file row by row in constant memory, for the import and for the check of an upload.
 *
 * If the file has a fault, the reader first yields every row before it, then throws.
 */

import { createReadStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { CsvError, type Parser, parse } from 'csv-parse';
import { TaskError } from 'inloop';
import { refusal } from '../refusal.ts';
import { checkText, type TextFault } from './text-check.ts';

export interface CsvRow {
  /** 0 for the header, then from 1. */
  readonly number: number;
  /** The line of the file on which the row begins, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/** Longest row in characters. Without it an unclosed quotation mark would read the whole file into memory. */
const MAX_ROW_LENGTH = 65_536;

/**
 * Yields the rows of the file at `path`, the header first, without empty lines. The file is UTF-8 with or without BOM, with
 * any line ends. The separator is a comma, a semicolon or a tab: the one that the header has most of.
 *
 * @throws TaskError `not_text` (415) or `broken_csv` (422), not retryable, naming the row
 */
export async function* readCsv(path: string, signal?: AbortSignal): AsyncGenerator<CsvRow, void, undefined> {
  let rows: CsvRow[] = [];
  let count = 0;
  let lastLine = 0;
  let crlfsInQuotes = 0;
  let parser: Parser | null = null;
  /** The start of a character that the next chunk completes. */
  let rest: Buffer = Buffer.alloc(0);

  const open = (head: Buffer) =>
    parse({
      bom: true,
      delimiter: findDelimiter(head),
      relax_column_count: true,
      skip_empty_lines: true,
      // By default csv-parse uses the line end of the first line for all lines. A file that was joined from others has several.
      record_delimiter: ['\r\n', '\n', '\r'],
      max_record_size: MAX_ROW_LENGTH,
      // Rows are collected here, not read from the stream: a stream that fails discards its buffered rows.
      on_record(fields: string[], context) {
        const breaks = fields.flatMap((field) => field.match(/\r\n|\r|\n/g) ?? []);
        // csv-parse counts a CRLF within quotation marks as two lines.
        crlfsInQuotes += breaks.filter((found) => found.length === 2).length;
        lastLine = context.lines - crlfsInQuotes;
        rows.push({ number: count++, line: lastLine - breaks.length, fields });
        return null;
      },
    }).on('error', () => {}); // The failed write reports it.
  const describe = (error: unknown) => describeCsvError(error, count, lastLine + 1);
  /**
   * Ends the parser at bytes that are not text, and makes the error that names their row. `rows` then holds the complete rows
   * before it.
   */
  const endAtBadBytes = async (torn: Parser, fault: TextFault) => {
    // Write a `?` in place of the bad bytes, so that their row has at least one character. The row is then the last one that
    // the parser gives out, unless it has another fault as well and the parser fails.
    const failed = (await write(torn, Buffer.from('?'))) ?? (await end(torn));
    const row = failed ? undefined : rows.pop();
    return describeTextFault(fault, row?.number ?? count, row?.line ?? lastLine + 1);
  };

  const stream = createReadStream(path, signal ? { signal } : {});
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const { length, fault } = checkText(bytes);
    rest = bytes.subarray(length);
    parser ??= open(bytes.subarray(0, length));
    const error = await write(parser, bytes.subarray(0, length));
    const failure = error ? describe(error) : fault ? await endAtBadBytes(parser, fault) : null;
    yield* rows;
    rows = [];
    if (failure) throw failure;
    signal?.throwIfAborted();
  }
  if (parser === null) return;
  const error = rest.length > 0 ? await endAtBadBytes(parser, 'encoding') : await end(parser);
  yield* rows;
  if (error) throw describe(error);
}

/** The separator that the first line has most of; a comma if it has none. */
function findDelimiter(head: Buffer): string {
  const firstLine = /^\s*[^\r\n]*/.exec(head.toString('utf8'))?.[0] ?? '';
  const count = (delimiter: string) => firstLine.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best));
}

function write(parser: Parser, bytes: Buffer): Promise<Error | null> {
  return new Promise((resolve) => {
    parser.write(bytes, (error) => resolve(error ?? null));
  });
}

function end(parser: Parser): Promise<unknown> {
  parser.resume().end();
  return finished(parser).then(
    () => null,
    (error: unknown) => error,
  );
}

function describeTextFault(fault: TextFault, row: number, line: number): TaskError {
  const what =
    fault === 'encoding'
      ? 'holds bytes that are not UTF-8 text. Save the file as "CSV UTF-8" and import it again.'
      : 'holds binary data, so the file is damaged or not a CSV file.';
  return refusal('not_text', 415, `${place(row, line)} ${what}`);
}

function describeCsvError(error: unknown, row: number, line: number): unknown {
  if (!(error instanceof CsvError)) return error;
  const what =
    error.code === 'CSV_MAX_RECORD_SIZE'
      ? `is longer than ${MAX_ROW_LENGTH} characters. Most likely a quotation mark is opened there and never closed.`
      : 'has quotation marks that do not match up: one is opened and not properly closed.';
  return new TaskError('broken_csv', `${place(row, line)} ${what}`, { retryable: false, status: 422, cause: error });
}

function place(row: number, line: number): string {
  return row === 0 ? `The header (line ${line} of the file)` : `Row ${row} (line ${line} of the file)`;
}
