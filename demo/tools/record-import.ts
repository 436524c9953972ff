/**
 * Records when an import reports what: runs one with the worker's own code and a database on disk, and prints its reports as
 * CSV. `ms` counts from when the rows began to be saved.
 *
 *     node dist/demo/tools/record-import.js --rows 1000 --kind broken --row-ms 60 > import-1000.csv
 *
 * Without `--row-ms` the rows take as long as they take. The bench replays such recordings (bench/pace/recordings).
 */

import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createImportHandler } from '../contacts/import-contacts.ts';
import { openDatabase } from '../database/database.ts';
import { openDataFolder } from '../files/data-folder.ts';
import { type SampleKind, sampleCsv } from './sample-rows.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000' },
    kind: { type: 'string', default: 'good' },
    'row-ms': { type: 'string', default: '0' },
  },
});
const slowRowMs = Number(values['row-ms']);
const UPLOAD = '0'.repeat(32);

const dir = mkdtempSync(join(tmpdir(), 'inloop-record-'));
try {
  const folder = openDataFolder(dir);
  const rows = sampleCsv({ rows: Number(values.rows), kind: values.kind as SampleKind });
  await pipeline(Readable.from(rows), createWriteStream(folder.uploadPath(UPLOAD)));
  const db = openDatabase(folder.database);
  let began = 0;
  const run = {
    id: '0190a000-0000-7000-8000-000000000001',
    owner: 'ada',
    signal: new AbortController().signal,
    stage() {
      began = performance.now();
    },
    checkpoint: () => {},
    checkpointed: undefined,
    progress({ done, skipped = 0 }: { readonly done: number; readonly skipped?: number }) {
      console.log([Math.round(performance.now() - began), done, skipped].join());
    },
  };
  console.log('ms,done,skipped');
  const pace = slowRowMs > 0 ? 'slow' : 'full';
  await createImportHandler({ db, folder, slowRowMs })({ uploadId: UPLOAD, filename: 'contacts.csv', pace }, run);
  db.close();
} finally {
  rmSync(dir, { recursive: true, force: true });
}
