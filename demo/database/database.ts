/**
 * The demo's own database: contacts, outcomes of imports, owners of downloads, stored files, sessions. It is SQLite in a
 * file that server and worker both have open. Every call is synchronous and short.
 */

import { chmodSync, closeSync, openSync } from 'node:fs';
import type { TaskFailure } from 'inloop';
import Database from 'libsql';
import type { Contact } from '../contacts/contact.ts';
import type { DownloadKind } from '../files/data-folder.ts';
import { type FileRecords, openFileRecords } from './file-records.ts';
import { openSessions, type SessionStore } from './session-store.ts';

/** The final outcome of an import. It is kept so that running the import once more gives the same outcome. */
export type UploadOutcome<Result> = { readonly result: Result } | { readonly failure: TaskFailure };

export interface ContactPage {
  /** In the order of their e-mail addresses. */
  readonly contacts: readonly Contact[];
  /** Number of all contacts of the owner. */
  readonly total: number;
  /** Pass it as `after` for the next page; null on the last one. */
  readonly next: string | null;
}

export interface DemoDatabase {
  /** Saves contacts of an owner: all of them or none. A contact replaces one with the same e-mail address. */
  saveContacts(owner: string, contacts: readonly Contact[]): void;
  /** At most `limit` contacts whose e-mail addresses come after `after`. */
  readContacts(owner: string, limit: number, after?: string): ContactPage;
  countContacts(owner: string): number;

  /** Records an upload. Returns false if it was recorded before, which means the same file with the same Idempotency-Key. */
  addUpload(uploadId: string): boolean;
  /** Removes the records of an upload and of its file. */
  removeUpload(uploadId: string): void;
  /** The outcome of the import of an upload; null until there is one. */
  uploadOutcome<Result>(uploadId: string): UploadOutcome<Result> | null;
  /** Records the outcome. A later one for the same upload is ignored. */
  settleUpload<Result>(uploadId: string, outcome: UploadOutcome<Result>): void;

  /** Records a file that a task has made for its owner. `filename`: what the file is called when it is downloaded. */
  addDownload(kind: DownloadKind, taskId: string, owner: string, filename: string): void;
  /** The file name for the owner to see, or null when this owner has no such download. */
  findDownload(kind: DownloadKind, taskId: string, owner: string): string | null;

  readonly files: FileRecords;
  readonly sessions: SessionStore;

  /** Deletes records of uploads, downloads and files from before `before`, and sessions that ended before it. */
  removeBefore(before: Date): void;
  close(): void;
}

/** How long a statement waits for the other process, in ms. */
const BUSY_MS = 5_000;
const RETRY_MS = 20;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS contacts (
    owner TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL, company TEXT NOT NULL, phone TEXT NOT NULL,
    PRIMARY KEY (owner, email)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, created_at TEXT NOT NULL, outcome TEXT
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS downloads (
    kind TEXT NOT NULL, task_id TEXT NOT NULL, owner TEXT NOT NULL, filename TEXT NOT NULL, created_at TEXT NOT NULL,
    PRIMARY KEY (kind, task_id)
  ) WITHOUT ROWID;
`;

/** Opens the database at `path` and creates it if it is missing. `now` is a clock for tests. */
export function openDatabase(path: string, now: () => Date = () => new Date()): DemoDatabase {
  keepPrivate(path);
  const db = new Database(path);
  // This must come first: the other process may be creating the tables at this moment, and then the next statements wait.
  db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
  useWriteAheadLog(db);
  db.exec('PRAGMA synchronous = NORMAL');
  db.exec(SCHEMA);
  const files = openFileRecords(db, now);
  const sessions = openSessions(db);
  return {
    ...openContacts(db),
    ...openUploads(db, files, now),
    ...openDownloads(db, now),
    removeBefore(before) {
      for (const table of ['uploads', 'downloads', 'files']) {
        db.prepare(`DELETE FROM ${table} WHERE created_at < ?`).run(before.toISOString());
      }
      db.prepare('DELETE FROM sessions WHERE until < ?').run(before.getTime());
    },
    files,
    sessions,
    close: () => void db.close(),
  };
}

function openContacts(db: Database.Database): Pick<DemoDatabase, 'saveContacts' | 'readContacts' | 'countContacts'> {
  const upsert = db.prepare(
    `INSERT INTO contacts (owner, email, name, company, phone) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (owner, email) DO UPDATE SET name = excluded.name, company = excluded.company, phone = excluded.phone`,
  );
  const page = db.prepare(
    'SELECT email, name, company, phone FROM contacts WHERE owner = ? AND email > ? ORDER BY email LIMIT ?',
  );
  const count = db.prepare('SELECT count(*) AS total FROM contacts WHERE owner = ?');
  const saveContacts = db.transaction((owner: string, contacts: readonly Contact[]) => {
    for (const { email, name, company, phone } of contacts) upsert.run(owner, email, name, company, phone);
  });
  const countContacts = (owner: string) => (count.get(owner) as { total: number }).total;
  return {
    saveContacts(owner, contacts) {
      if (contacts.length > 0) saveContacts.immediate(owner, contacts);
    },
    readContacts(owner, limit, after = '') {
      const found = page.all(owner, after, limit + 1) as Contact[];
      const contacts = found.slice(0, limit);
      const next = found.length > limit ? (contacts.at(-1)?.email ?? null) : null;
      return { contacts, total: countContacts(owner), next };
    },
    countContacts,
  };
}

/** @param files the record of an uploaded file has the id of the upload as its name. It goes once the import has an outcome. */
function openUploads(
  db: Database.Database,
  files: Pick<FileRecords, 'remove'>,
  now: () => Date,
): Pick<DemoDatabase, 'addUpload' | 'removeUpload' | 'uploadOutcome' | 'settleUpload'> {
  const add = db.prepare('INSERT INTO uploads (id, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const remove = db.prepare('DELETE FROM uploads WHERE id = ?');
  const find = db.prepare('SELECT outcome FROM uploads WHERE id = ?');
  const settle = db.prepare(
    `INSERT INTO uploads (id, created_at, outcome) VALUES (?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET outcome = coalesce(outcome, excluded.outcome)`,
  );
  return {
    addUpload: (id) => add.run(id, now().toISOString()).changes > 0,
    removeUpload(id) {
      remove.run(id);
      files.remove(id);
    },
    uploadOutcome<Result>(id: string) {
      const row = find.get(id) as { outcome: string | null } | undefined;
      return row?.outcome ? (JSON.parse(row.outcome) as UploadOutcome<Result>) : null;
    },
    settleUpload(id, outcome) {
      settle.run(id, now().toISOString(), JSON.stringify(outcome));
      files.remove(id);
    },
  };
}

function openDownloads(db: Database.Database, now: () => Date): Pick<DemoDatabase, 'addDownload' | 'findDownload'> {
  const add = db.prepare(
    `INSERT INTO downloads (kind, task_id, owner, filename, created_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (kind, task_id) DO UPDATE SET filename = excluded.filename, created_at = excluded.created_at`,
  );
  const find = db.prepare('SELECT filename FROM downloads WHERE kind = ? AND task_id = ? AND owner = ?');
  return {
    addDownload: (kind, taskId, owner, filename) => void add.run(kind, taskId, owner, filename, now().toISOString()),
    findDownload(kind, taskId, owner) {
      const row = find.get(kind, taskId, owner) as { filename: string } | undefined;
      return row?.filename ?? null;
    },
  };
}

/** Creates the file readable for its owner only. SQLite would make it readable for all. The files beside it get the same mode. */
function keepPrivate(path: string): void {
  if (path === ':memory:') return;
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
}

/**
 * Switches to the write-ahead log. SQLite does not wait for `busy_timeout` here: if the other process is switching at this
 * moment, it says at once that the database is locked. So this tries again, for as long as `busy_timeout` would wait.
 */
function useWriteAheadLog(db: Database.Database): void {
  const until = performance.now() + BUSY_MS;
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'SQLITE_BUSY' || performance.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
