/**
 * Writes a CSV that people will open in a spreadsheet: rejected rows and exports.
 *
 * The values come from strangers, so formulas in them are guarded (formulas.ts). The file gets its name only when it is
 * complete.
 */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { stringify } from 'csv-stringify/sync';
import { removeUnfinished } from '../files/remove-file.ts';
import { guardFormulas } from './formulas.ts';

export interface CsvWriter {
  /** Adds rows; waits while the disk is behind. @throws the error of the disk, for example that it is full */
  write(rows: readonly (readonly string[])[]): Promise<void>;
  /** Completes the file at its path, in place of an earlier one. */
  commit(): Promise<void>;
  /** Removes the unfinished file. Does nothing after {@link commit}. */
  discard(): Promise<void>;
}

/** Starts a CSV that will appear at `path`, with `header` as its first row. */
export function createCsvWriter(path: string, header: readonly string[]): CsvWriter {
  // Two attempts of one task may write at the same time for a moment, so each has its own draft.
  const draft = `${path}.${randomUUID()}.part`;
  const stream = createWriteStream(draft, { mode: 0o600 });
  let failure: Error | null = null;
  stream.on('error', (error) => {
    failure = error;
  });
  // The BOM makes Excel read it as UTF-8.
  stream.write(`\uFEFF${format([header])}`);

  return {
    async write(rows) {
      if (failure) throw failure;
      if (!stream.write(format(rows)) && !failure) await once(stream, 'drain');
    },
    async commit() {
      if (failure) throw failure;
      stream.end();
      await finished(stream);
      await rename(draft, path);
    },
    async discard() {
      await removeUnfinished(stream);
    },
  };
}

function format(rows: readonly (readonly string[])[]): string {
  const guarded = rows.map((row) => row.map(guardFormulas));
  return stringify(guarded, {
    record_delimiter: 'windows',
    // By default csv-stringify quotes a value for its line breaks only if they are CR LF, as between the rows here. A spreadsheet
    // starts a new row at any unquoted line break, and some split at semicolons and tabs, too.
    quoted_match: /[\r\n\t;]/,
  });
}
