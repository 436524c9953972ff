/** A temporary data folder with a database, for the tests of the demo. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DemoDatabase, openDatabase } from '../database/database.ts';
import { type DataFolder, openDataFolder } from '../files/data-folder.ts';

export interface TempData {
  readonly folder: DataFolder;
  readonly db: DemoDatabase;
  /** Closes the database and removes everything. */
  remove(): void;
}

/** Opens a database and folders in a fresh temporary place. */
export function openTempData(): TempData {
  const root = mkdtempSync(join(tmpdir(), 'inloop-demo-'));
  // The path contains a hidden folder, like `.inloop` under `npm start`. Express refuses to send files from such a path unless
  // it is given as `root`.
  const folder = openDataFolder(join(root, '.hidden'));
  const db = openDatabase(folder.database);
  return {
    folder,
    db,
    remove() {
      db.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
