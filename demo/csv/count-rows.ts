/** Counts the rows of a CSV without parsing it, so that an import knows its total. */

import { createReadStream } from 'node:fs';

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Counts the rows below the header of the file at `path`. Exact for every well-formed file: a line break in a quoted field
 * ends no row, and empty lines do not count. With unmatched quotation marks the count is a guess.
 */
export async function countRows(path: string, signal?: AbortSignal): Promise<number> {
  let rows = 0;
  let isQuoted = false;
  let isEmpty = true;
  for await (const chunk of createReadStream(path, signal ? { signal } : {}) as AsyncIterable<Buffer>) {
    for (const byte of chunk) {
      if (byte === QUOTE) {
        isQuoted = !isQuoted;
        isEmpty = false;
      } else if (!isQuoted && (byte === LINE_FEED || byte === CARRIAGE_RETURN)) {
        if (!isEmpty) rows++;
        isEmpty = true;
      } else isEmpty = false;
    }
  }
  if (!isEmpty) rows++;
  return Math.max(0, rows - 1);
}
