/**
 * The import: runs in the worker, row by row. Its memory does not grow with the file.
 *
 * It may run again at any time (the worker died, the owner pressed Retry), so every step can be repeated. If the worker died, the
 * next attempt goes on from the checkpoint. It also reads the rows before the checkpoint: their contacts are saved already, but the
 * file of rejected rows is written from the start. A dying worker may have saved a few rows after its last checkpoint, so a contact
 * with a known e-mail address is replaced. The outcome of an upload is stored before the upload is deleted.
 */

import { existsSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type CheckpointOf, type ParsedInputOf, type ResultOf, type StageOf, TaskError } from 'inloop';
import { countRows } from '../csv/count-rows.ts';
import { type CsvRow, readCsv } from '../csv/read-csv.ts';
import { type CsvWriter, createCsvWriter } from '../csv/write-csv.ts';
import type { DemoDatabase } from '../database/database.ts';
import type { DataFolder } from '../files/data-folder.ts';
import { refusal } from '../refusal.ts';
import type { importContacts } from '../tasks.ts';
import { type Columns, type Contact, findColumns, readContact } from './contact.ts';
import type { ResumableRun } from './task-run.ts';

type Input = ParsedInputOf<typeof importContacts>;
type Result = ResultOf<typeof importContacts>;
type Run = ResumableRun<StageOf<typeof importContacts>, CheckpointOf<typeof importContacts>>;

/** A batch is saved when it has this many rows … */
const BATCH_ROWS = 500;
/** … or after this many milliseconds, so that a slow import shows progress. */
const BATCH_MS = 100;

/**
 * The file of rejected rows is at most three times as long as the upload. Without a limit, an upload of many short bad rows
 * would make a file thirty times as long, because each row gets a reason.
 */
const REJECTS_FACTOR = 3;
/** The file of rejected rows may always be this long, in characters, so that a small upload gets all of its rows. */
const REJECTS_MIN_LIMIT = 65_536;
/** Number, separators and line end of a rejected row, in characters. */
const ROW_OVERHEAD = 12;

export interface ImportOptions {
  readonly db: DemoDatabase;
  readonly folder: DataFolder;
  /** How long a row takes at pace `slow`, in milliseconds. */
  readonly slowRowMs: number;
}

/** The handler of `import-contacts`. */
export function createImportHandler({ db, folder, slowRowMs }: ImportOptions) {
  return async (input: Input, task: Run): Promise<Result> => {
    const path = folder.uploadPath(input.uploadId);
    const settled = db.uploadOutcome<Result>(input.uploadId);
    if (settled) {
      await rm(path, { force: true });
      if ('result' in settled) return settled.result;
      throw new TaskError(settled.failure.code, settled.failure.message, { retryable: false });
    }
    if (!existsSync(path)) {
      throw new TaskError('upload_gone', 'The uploaded file is no longer here. Please upload it again.', {
        retryable: false,
      });
    }

    const run = new ImportRun(db, folder, input, task);
    try {
      const result = await run.importFile(path, input.pace === 'slow' ? slowRowMs : 0);
      db.settleUpload<Result>(input.uploadId, { result });
      await rm(path, { force: true });
      return result;
    } catch (error) {
      await run.discard();
      // An aborted read or delay throws its own error; the worker needs the reason of the signal instead.
      task.signal.throwIfAborted();
      if (!(error instanceof TaskError) || error.retryable) throw error; // Another attempt will need the upload.
      const failure = run.explain(error);
      const { code, message, retryable } = failure;
      db.settleUpload<Result>(input.uploadId, { failure: { code, message, retryable } });
      await rm(path, { force: true });
      throw failure;
    }
  };
}

/** One import of one file. */
class ImportRun {
  readonly #db: DemoDatabase;
  readonly #folder: DataFolder;
  readonly #input: Input;
  readonly #task: Run;
  #total = 0;
  /** The number of the last row that an attempt before has saved. */
  #savedRow = 0;
  #imported = 0;
  #skipped = 0;
  #contacts: Contact[] = [];
  #rejected: string[][] = [];
  /** Rejected rows that did not fit into the file. */
  #unlisted = 0;
  /** Characters that the file of rejected rows may still take. */
  #rejectsLeft = 0;
  #rejects: CsvWriter | null = null;
  #header: readonly string[] = [];
  #savedAt = performance.now();

  constructor(db: DemoDatabase, folder: DataFolder, input: Input, task: Run) {
    this.#db = db;
    this.#folder = folder;
    this.#input = input;
    this.#task = task;
  }

  /** Imports the file at `path`. @param rowMs how long to wait at each row, in ms */
  async importFile(path: string, rowMs: number): Promise<Result> {
    const { signal } = this.#task;
    this.#rejectsLeft = Math.max(statSync(path).size * REJECTS_FACTOR, REJECTS_MIN_LIMIT);
    const { checkpointed } = this.#task;
    if (checkpointed === undefined) {
      this.#task.stage('reading');
      this.#total = await countRows(path, signal);
    } else {
      this.#total = checkpointed.total;
      this.#savedRow = checkpointed.row;
    }

    this.#task.stage('saving');
    const rows = readCsv(path, signal);
    try {
      const header = await rows.next();
      this.#header = header.value?.fields ?? [];
      const columns = findColumns(this.#header);
      if (columns === null) throw noEmailColumn(this.#header);
      for await (const row of rows) {
        if (rowMs > 0 && row.number > this.#savedRow) await delay(rowMs, undefined, { signal });
        signal.throwIfAborted();
        this.#take(row, columns);
        if (this.#isBatchDue()) await this.#save();
      }
      await this.#save();
    } catch (error) {
      // The file has a fault here. The rows before it are good, so they are saved.
      if (error instanceof TaskError && !signal.aborted) await this.#save();
      throw error;
    } finally {
      await rows.return();
    }
    return { imported: this.#imported, skipped: this.#skipped, rejectsUrl: await this.#finishRejects() };
  }

  /** Removes the unfinished file of rejected rows. */
  async discard(): Promise<void> {
    await this.#rejects?.discard();
  }

  /** Adds to `error` how many of the rows before it were imported and skipped. */
  explain(error: TaskError): TaskError {
    if (this.#imported + this.#skipped === 0) return error;
    const kept = `Of the rows before it, ${this.#imported} were imported and ${this.#skipped} skipped.`;
    return new TaskError(error.code, `${error.message} ${kept}`, { retryable: false, cause: error });
  }

  #take(row: CsvRow, columns: Columns): void {
    const read = readContact(row.fields, columns);
    if ('contact' in read) {
      // An earlier attempt has saved the contacts up to `#savedRow`.
      if (row.number <= this.#savedRow) this.#imported++;
      else this.#contacts.push(read.contact);
      return;
    }
    const length = row.fields.reduce((sum, field) => sum + field.length + 1, read.reason.length + ROW_OVERHEAD);
    if (length > this.#rejectsLeft) {
      // Later rows are left out too, even short ones: a file with gaps would not show what is missing.
      this.#rejectsLeft = 0;
      this.#unlisted++;
      this.#skipped++;
      return;
    }
    this.#rejectsLeft -= length;
    this.#rejected.push([String(row.number), read.reason, ...row.fields]);
  }

  #isBatchDue(): boolean {
    const waiting = this.#contacts.length + this.#rejected.length;
    return waiting >= BATCH_ROWS || performance.now() - this.#savedAt >= BATCH_MS;
  }

  async #save(): Promise<void> {
    const contacts = this.#contacts;
    const rejected = this.#rejected;
    this.#contacts = [];
    this.#rejected = [];
    this.#db.saveContacts(this.#task.owner, contacts);
    if (rejected.length > 0) {
      const name = this.#folder.downloadName('rejects', this.#task.id);
      this.#rejects ??= createCsvWriter(this.#folder.downloadPath(name), ['row', 'reason', ...this.#header]);
      await this.#rejects.write(rejected);
    }
    this.#imported += contacts.length;
    this.#skipped += rejected.length;
    this.#savedAt = performance.now();
    const done = this.#imported + this.#skipped;
    if (done <= this.#savedRow) return;
    this.#task.checkpoint({ row: done, total: this.#total });
    this.#task.progress({ done, total: this.#total, skipped: this.#skipped });
  }

  async #finishRejects(): Promise<string | null> {
    if (this.#rejects === null) return null;
    if (this.#unlisted > 0) {
      const rows = this.#unlisted.toLocaleString('en');
      await this.#rejects.write([['', `${rows} more rows were left out, for which this file had no room.`]]);
    }
    await this.#rejects.commit();
    const { id, owner } = this.#task;
    const name = this.#folder.downloadName('rejects', id);
    this.#db.files.note(name, 'download', owner, statSync(this.#folder.downloadPath(name)).size);
    const stem = this.#input.filename.replace(/\.[^.]*$/, '');
    this.#db.addDownload('rejects', id, owner, `${stem}-rejected.csv`);
    return `/imports/${id}/rejects`;
  }
}

/** The error for a file without an e-mail column. Its message names the columns that the file has. */
export function noEmailColumn(header: readonly string[]): TaskError {
  const found = header.slice(0, 10).map((name) => JSON.stringify(name.trim().slice(0, 30)));
  return refusal(
    'no_email_column',
    422,
    `The file has no e-mail column: its first row must name the columns, one of them "email". It names ${found.join(', ')}.`,
  );
}
