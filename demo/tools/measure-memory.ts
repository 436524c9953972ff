/**
 * Measures that an import's memory does not grow with its file: imports files of several sizes, each in a fresh
 * process with the worker's own code and a database on disk.
 *
 *     node dist/demo/tools/measure-memory.js [ROWS …]
 *
 * `peak RSS` is the system's figure and includes garbage that V8 has not collected yet. `in use` is the most memory left
 * after a garbage collection (from a second run, which collects at every hundredth batch).
 */

import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createImportHandler } from '../contacts/import-contacts.ts';
import { openDatabase } from '../database/database.ts';
import { openDataFolder } from '../files/data-folder.ts';
import { sampleCsv } from './sample-rows.ts';

interface Measured {
  readonly seconds: number;
  /** In bytes, as explained above. */
  readonly peakRss: number;
  readonly inUse: number;
}

const UPLOAD = '0'.repeat(32);
const MIB = 1024 * 1024;

if (process.env.MEASURE_DIR) await importOnce(Number(process.argv[2]), process.env.MEASURE_DIR);
else {
  const sizes = process.argv.slice(2).map(Number);
  console.log('     rows      file  seconds   peak RSS    in use');
  for (const rows of sizes.length > 0 ? sizes : [1_000, 100_000]) await measure(rows);
}

async function measure(rows: number): Promise<void> {
  const { size, seconds, peakRss } = await runFresh(rows, []);
  const { inUse } = await runFresh(rows, ['--expose-gc']);
  const columns = [
    rows.toLocaleString('en').padStart(9),
    formatMiB(size),
    seconds.toFixed(2).padStart(8),
    formatMiB(peakRss, 10),
    formatMiB(inUse),
  ];
  console.log(columns.join(' '));
}

/** Runs an import in a new process, because the peak of a process never goes down. */
async function runFresh(rows: number, flags: readonly string[]): Promise<Measured & { readonly size: number }> {
  const dir = mkdtempSync(join(tmpdir(), 'inloop-memory-'));
  try {
    const path = openDataFolder(dir).uploadPath(UPLOAD);
    await pipeline(Readable.from(sampleCsv({ rows })), createWriteStream(path));
    const { size } = statSync(path);
    const env = { ...process.env, MEASURE_DIR: dir };
    const output = execFileSync(process.execPath, [...flags, import.meta.filename, String(rows)], {
      encoding: 'utf8',
      env,
    });
    return { size, ...(JSON.parse(output) as Measured) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function importOnce(rows: number, dir: string): Promise<void> {
  const folder = openDataFolder(dir);
  const db = openDatabase(folder.database);
  const handle = createImportHandler({ db, folder, slowRowMs: 0 });
  const collect = (globalThis as { gc?: () => void }).gc;
  let inUse = 0;
  let batches = 0;
  const progress = () => {
    if (!collect || batches++ % 100 !== 0) return;
    collect();
    const { heapUsed, external } = process.memoryUsage();
    inUse = Math.max(inUse, heapUsed + external);
  };
  const started = performance.now();
  const result = await handle(
    { uploadId: UPLOAD, filename: 'contacts.csv', pace: 'full' },
    {
      id: '1',
      owner: 'ada',
      signal: new AbortController().signal,
      stage: () => {},
      progress,
      checkpoint: () => {},
      checkpointed: undefined,
    },
  );
  if (result.imported !== rows) throw new Error(`Expected ${rows} imported rows, got ${result.imported}.`);
  const seconds = (performance.now() - started) / 1000;
  db.close();
  const measured: Measured = { seconds, peakRss: process.resourceUsage().maxRSS * 1024, inUse };
  console.log(JSON.stringify(measured));
}

function formatMiB(bytes: number, width = 9): string {
  return `${(bytes / MIB).toFixed(1)} MB`.padStart(width);
}
