/** Records of the files on disk: whose they are and how large, so that one user cannot fill the disk. */

import { TaskError } from 'inloop';
import type Database from 'libsql';
import { refusal } from '../refusal.ts';

/** An upload that waits for its import, or something to download. */
export type FileKind = 'upload' | 'download';

export interface FileRecords {
  /** Records a file. A record of the same name is replaced. */
  note(name: string, kind: FileKind, owner: string, bytes: number): void;
  remove(name: string): void;
  /**
   * Checks that an owner may store another file of `bytes` bytes.
   *
   * @throws TaskError `too_many_uploads` (429), `storage_full` (413)
   */
  requireRoom(owner: string, kind: FileKind, bytes: number): void;
}

/** Most uploads of one user that wait for their import. */
export const MAX_UPLOADS = 100;
/** Most bytes of all files of one user: uploads, rejected rows, reports. */
export const MAX_STORED_BYTES = 1024 * 1024 * 1024;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS files (
    name TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, bytes INTEGER NOT NULL, created_at TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS files_of ON files (owner, kind, bytes);
`;

/** Opens the records in `db`. `now` is the clock. */
export function openFileRecords(db: Database.Database, now: () => Date): FileRecords {
  db.exec(SCHEMA);
  const note = db.prepare('INSERT OR REPLACE INTO files (name, kind, owner, bytes, created_at) VALUES (?, ?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM files WHERE name = ?');
  const sum = db.prepare(
    `SELECT coalesce(sum(bytes), 0) AS bytes, count(CASE kind WHEN 'upload' THEN 1 END) AS uploads
     FROM files WHERE owner = ?`,
  );
  return {
    note: (name, kind, owner, bytes) => void note.run(name, kind, owner, bytes, now().toISOString()),
    remove: (name) => void remove.run(name),
    requireRoom(owner, kind, bytes) {
      const stored = sum.get(owner) as { bytes: number; uploads: number };
      if (kind === 'upload' && stored.uploads >= MAX_UPLOADS) {
        throw new TaskError(
          'too_many_uploads',
          `${stored.uploads} of your files wait to be imported, and at most ${MAX_UPLOADS} may. Try again when some are done.`,
          { retryable: true, status: 429, retryAfter: 10 },
        );
      }
      if (stored.bytes + bytes <= MAX_STORED_BYTES) return;
      throw refusal(
        'storage_full',
        413,
        `Your files here take ${megabytes(stored.bytes)} of ${megabytes(MAX_STORED_BYTES)}, so there is no room for another. ` +
          'Uploads go when they are imported, everything else after 7 days.',
      );
    },
  };
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MB`;
}
