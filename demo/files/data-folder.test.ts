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
  // The usual default: new files are readable for everybody.
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

  it('are readable for their owner only, the database and the files beside it too', () => {
    const db = open();
    expect(readdirSync(join(root, 'data'))).toEqual(expect.arrayContaining(['demo.db', 'demo.db-wal', 'uploads']));
    expect(findOpen(root)).toEqual([]);
    db.close();
  });

  it('become private when an earlier version left them readable for others', () => {
    const data = join(root, 'data');
    mkdirSync(data);
    open().close();
    for (const name of ['demo.db', 'uploads', 'downloads']) chmodSync(join(data, name), 0o755);
    open().close();
    expect(findOpen(data)).toEqual([]);
  });
});
