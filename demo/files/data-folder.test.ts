import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openDatabase } from '../database/database.ts';
import { openDataFolder } from './data-folder.ts';

let root: string;
let umask: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'inloop-data-'));
  // As it is where nobody thought of it.
  umask = process.umask(0o022);
});
afterEach(() => {
  process.umask(umask);
  rmSync(root, { recursive: true, force: true });
});

/** Every file and folder below `folder` that others on the machine may enter, read or change. */
function findOpen(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => (statSync(path).mode & 0o077) !== 0);
}

// Windows has no such modes.
const onUnix = process.platform === 'win32' ? describe.skip : describe;

onUnix('the data of the demo', () => {
  const open = () => {
    const folder = openDataFolder(join(root, 'data'));
    const db = openDatabase(folder.database);
    db.saveContacts('ada', [{ email: 'a@example.com', name: '', company: '', phone: '' }]);
    return db;
  };

  it('are for their owner alone, the database and what lies beside it too', () => {
    const db = open();
    expect(readdirSync(join(root, 'data'))).toEqual(expect.arrayContaining(['demo.db', 'demo.db-wal', 'uploads']));
    expect(findOpen(root)).toEqual([]);
    db.close();
  });

  it('become so where an earlier version left them open', () => {
    const data = join(root, 'data');
    mkdirSync(data);
    open().close();
    for (const name of ['demo.db', 'uploads', 'downloads']) chmodSync(join(data, name), 0o755);
    open().close();
    expect(findOpen(data)).toEqual([]);
  });
});
