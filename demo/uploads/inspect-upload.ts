/** Checks that an upload is a CSV of contacts before its task is accepted. */

import { open } from 'node:fs/promises';
import { TaskError } from 'inloop';
import { findColumns } from '../contacts/contact.ts';
import { noEmailColumn } from '../contacts/import-contacts.ts';
import { readCsv } from '../csv/read-csv.ts';
import { checkText } from '../csv/text-check.ts';
import { refusal } from '../refusal.ts';

/** How many bytes from the start decide whether a file without an e-mail column is a CSV or another kind of file. */
const HEAD_BYTES = 4_096;

/**
 * Resolves if the file at `path` starts like a CSV of contacts: UTF-8 text, a header with an e-mail column, one row. The
 * import checks the rest.
 *
 * @throws TaskError `empty_file`, `no_email_column`, `no_rows`, `broken_csv` (422) or `not_csv` (415)
 */
export async function inspectUpload(path: string): Promise<void> {
  const head = await readHead(path);
  if (head.length === 0)
    throw refusal('empty_file', 422, 'The file is empty. Expected a CSV with a header and a row for each contact.');
  if (head[0] === 0xff || head[0] === 0xfe) {
    throw refusal(
      'not_csv',
      415,
      'The file is not UTF-8 text; it looks like UTF-16. Save it as "CSV UTF-8" and try again.',
    );
  }
  const isText = checkText(head).fault === null;
  const rows = readCsv(path);
  try {
    const header = await rows.next();
    if (header.done)
      throw refusal('empty_file', 422, 'The file has empty lines only. Expected a CSV with a header and rows.');
    if (findColumns(header.value.fields) === null) throw isText ? noEmailColumn(header.value.fields) : notCsv();
    if ((await rows.next()).done) throw refusal('no_rows', 422, 'The file has a header but no rows below it.');
  } catch (error) {
    // Bytes that are not text this early mean another kind of file (a picture, a spreadsheet), or another encoding than UTF-8.
    throw error instanceof TaskError && error.code === 'not_text' ? notCsv() : error;
  } finally {
    await rows.return();
  }
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(HEAD_BYTES), position: 0 });
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The error for a file of another kind: a picture, a spreadsheet. */
export function notCsv(): TaskError {
  return refusal(
    'not_csv',
    415,
    'The file is not a CSV file: expected text in UTF-8, got something else. In a spreadsheet, choose "Save as" and "CSV UTF-8".',
  );
}
