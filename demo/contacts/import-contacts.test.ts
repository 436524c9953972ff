// The handler of the import, with a real database and files: rows, repeated attempts, cancel and faults of the file.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import type { CheckpointOf, Progress, TaskError } from 'inloop';
import type { importContacts } from '../tasks.ts';
import { openTempData, type TempData } from '../testing/temp-folder.ts';
import { sampleCsv } from '../tools/sample-rows.ts';
import { createImportHandler } from './import-contacts.ts';
import type { ResumableRun } from './task-run.ts';

const UPLOAD = '0123456789abcdef'.repeat(2);
const TASK = '0190a000-0000-7000-8000-000000000001';
const input = { uploadId: UPLOAD, filename: 'people.csv', pace: 'full' } as const;

let data: TempData;
beforeEach(() => {
  data = openTempData();
});
afterEach(() => data.remove());

/** Writes the uploaded file. */
const upload = (content: string | Buffer) => writeFileSync(data.folder.uploadPath(UPLOAD), content);

type Checkpoint = CheckpointOf<typeof importContacts>;

interface WatchedRun extends ResumableRun<string, Checkpoint> {
  readonly checkpoints: Checkpoint[];
  readonly reports: Omit<Progress, 'stage'>[];
  readonly stages: string[];
}

/** An attempt that notes what its handler gives. */
function createRun({
  signal = new AbortController().signal,
  onProgress = () => {},
  id = TASK,
  checkpointed = undefined as Checkpoint | undefined,
} = {}): WatchedRun {
  const checkpoints: Checkpoint[] = [];
  const reports: WatchedRun['reports'] = [];
  const stages: string[] = [];
  return {
    id,
    owner: 'ada',
    signal,
    reports,
    stages,
    checkpoints,
    checkpointed,
    checkpoint: (value) => void checkpoints.push(value),
    stage: (name) => void stages.push(name),
    progress(report) {
      reports.push(report);
      onProgress();
    },
  };
}

/** Runs the handler on the uploaded file. `slowRowMs`: ms for each row with the pace `slow`. */
const importFile = (run: WatchedRun, pace: 'full' | 'slow' = 'full', slowRowMs = 1) =>
  createImportHandler({ db: data.db, folder: data.folder, slowRowMs })({ ...input, pace }, run);

/** The error that the work fails with. */
const failureOf = (work: Promise<unknown>): Promise<TaskError> =>
  work.then(
    () => {
      throw new Error('expected it to fail');
    },
    (error) => error,
  );

describe('an import', () => {
  it('limits the file of rejected rows by the size of the upload, counts all rejected rows, and says how many are missing', async () => {
    const rows = 20_000;
    upload(`email\n${'x\n'.repeat(rows)}a@example.com\n`);
    expect(await importFile(createRun())).toMatchObject({ imported: 1, skipped: rows });
    const path = data.folder.downloadPath(data.folder.downloadName('rejects', TASK));
    const { size } = statSync(path);
    expect(size).toBeLessThan(3 * 2 * rows + 1_000);
    const rejects = parse(readFileSync(path), { bom: true, relax_column_count: true }) as string[][];
    const listed = rejects.length - 2;
    expect(rejects.at(-1)).toEqual([
      '',
      `${(rows - listed).toLocaleString('en')} more rows were left out, for which this file had no room.`,
    ]);
    expect(rejects.at(-2)?.[0]).toBe(String(listed));
    // For a small upload, the file lists every rejected row.
    upload(`email\n${'x\n'.repeat(500)}`);
    const other = createRun({ id: '0190a000-0000-7000-8000-000000000002' });
    data.db.removeUpload(UPLOAD);
    expect(await importFile(other)).toMatchObject({ skipped: 500 });
    const all = readFileSync(data.folder.downloadPath(data.folder.downloadName('rejects', other.id)));
    expect(parse(all, { bom: true })).toHaveLength(501);
  });

  it('saves the contacts, counts the bad rows and offers them as a CSV', async () => {
    upload('Name,E-Mail\nAda,ADA@example.com\nBob,bob\n=1+1,\nCy,cy@example.com\n');
    const run = createRun();
    expect(await importFile(run)).toEqual({ imported: 2, skipped: 2, rejectsUrl: `/imports/${TASK}/rejects` });
    expect(data.db.readContacts('ada', 10).contacts.map(({ email }) => email)).toEqual([
      'ada@example.com',
      'cy@example.com',
    ]);
    expect(run.stages).toEqual(['reading', 'saving']);
    expect(run.reports.at(-1)).toEqual({ done: 4, total: 4, skipped: 2 });

    expect(data.db.findDownload('rejects', TASK, 'ada')).toBe('people-rejected.csv');
    const rejects = readFileSync(data.folder.downloadPath(data.folder.downloadName('rejects', TASK)));
    expect(parse(rejects, { bom: true })).toEqual([
      ['row', 'reason', 'Name', 'E-Mail'],
      ['2', 'The e-mail address is not valid.', 'Bob', 'bob'],
      ['3', 'The e-mail address is missing.', "'=1+1", ''],
    ]);
  });

  it('leaves no rejects and no upload behind when every row is good', async () => {
    upload([...sampleCsv({ rows: 1_234 })].join(''));
    const run = createRun();
    expect(await importFile(run)).toEqual({ imported: 1_234, skipped: 0, rejectsUrl: null });
    expect(readdirSync(data.folder.uploads)).toEqual([]);
    expect(readdirSync(data.folder.downloads)).toEqual([]);
    expect(run.reports.every(({ total }) => total === 1_234)).toBe(true);
  });

  it('counts the same when it runs again after a crash in the middle', async () => {
    upload([...sampleCsv({ rows: 5_000, kind: 'broken' })].join(''));
    const crash = new Error('the process died');
    let reports = 0;
    const dying = createRun({
      onProgress() {
        if (++reports === 3) throw crash;
      },
    });
    await expect(importFile(dying)).rejects.toBe(crash);
    const saved = data.db.countContacts('ada');
    expect(saved).toBeGreaterThan(0);
    expect(saved).toBeLessThan(4_000);
    expect(existsSync(data.folder.uploadPath(UPLOAD))).toBe(true);

    expect(await importFile(createRun())).toMatchObject({ imported: 4_000, skipped: 1_000 });
    expect(data.db.countContacts('ada')).toBe(4_000);
    expect(readdirSync(data.folder.downloads)).toEqual([`rejects-${TASK}.csv`]);
  });

  it('goes on from its checkpoint: saves no row twice, and lists all rejected rows', async () => {
    upload([...sampleCsv({ rows: 5_000, kind: 'broken' })].join(''));
    const crash = new Error('the process died');
    const dying: WatchedRun = createRun({
      onProgress() {
        if (dying.checkpoints.length === 3) throw crash;
      },
    });
    await expect(importFile(dying)).rejects.toBe(crash);
    const checkpointed = dying.checkpoints.at(-1);
    expect(checkpointed).toEqual({ row: dying.reports.at(-1)?.done, total: 5_000 });
    const savedBefore = data.db.countContacts('ada');
    let saved = 0;
    const db = {
      ...data.db,
      saveContacts(owner: string, contacts: Parameters<typeof data.db.saveContacts>[1]) {
        saved += contacts.length;
        data.db.saveContacts(owner, contacts);
      },
    };
    const run = createRun({ checkpointed });
    const result = await createImportHandler({ db, folder: data.folder, slowRowMs: 1 })(input, run);
    expect(result).toMatchObject({ imported: 4_000, skipped: 1_000 });
    expect(data.db.countContacts('ada')).toBe(4_000);
    expect(saved).toBe(4_000 - savedBefore);
    expect(run.stages).toEqual(['saving']);
    expect(run.reports[0]?.done).toBeGreaterThan(checkpointed?.row ?? 5_000);
    expect(run.reports.at(-1)).toEqual({ done: 5_000, total: 5_000, skipped: 1_000 });
    const rejects = readFileSync(data.folder.downloadPath(data.folder.downloadName('rejects', TASK)));
    expect(parse(rejects, { bom: true })).toHaveLength(1_001);
  });

  it('returns the same result when it runs again after it has finished', async () => {
    upload('email\na@example.com\nb\n');
    const first = await importFile(createRun());
    expect(await importFile(createRun())).toEqual(first);
  });

  it('fails at the row with a fault, and keeps the rows before it', async () => {
    upload([...sampleCsv({ rows: 60, kind: 'torn' })].join(''));
    const run = createRun();
    const error = await failureOf(importFile(run));
    expect(error).toMatchObject({ code: 'broken_csv', retryable: false });
    expect(error.message).toMatch(
      /^Row 40 \(line 41 of the file\) has quotation marks .* 39 were imported and 0 skipped\.$/,
    );
    expect(run.reports.at(-1)).toMatchObject({ done: 39, skipped: 0 });
    expect(data.db.countContacts('ada')).toBe(39);
    expect(readdirSync(data.folder.uploads)).toEqual([]);
  });

  it('fails with the same reason when a file with a fault is tried again', async () => {
    upload('email\na@example.com\n"');
    const first = await failureOf(importFile(createRun()));
    const second = await failureOf(importFile(createRun({ id: '0190a000-0000-7000-8000-000000000002' })));
    expect(second).toMatchObject({ code: first.code, message: first.message, retryable: false });
  });

  it('leaves no unfinished file of rejected rows behind when the upload has a fault', async () => {
    upload(Buffer.concat([Buffer.from('email\nbad\nworse\n'), Buffer.alloc(10)]));
    expect(await failureOf(importFile(createRun()))).toMatchObject({ code: 'not_text' });
    expect(readdirSync(data.folder.downloads)).toEqual([]);
  });

  const longFile = [...sampleCsv({ rows: 5_000 })].join('');
  it.each(['full', 'slow'] as const)(
    'stops at once when its signal is aborted (pace %s), and keeps the upload',
    async (pace) => {
      upload(longFile);
      const stop = new AbortController();
      const reason = new Error('called off');
      const run = createRun({ signal: stop.signal, onProgress: () => stop.abort(reason) });
      await expect(importFile(run, pace)).rejects.toBe(reason);
      expect(run.reports).toHaveLength(1);
      expect(existsSync(data.folder.uploadPath(UPLOAD))).toBe(true);
    },
  );

  it('reports progress row by row at the slow pace', async () => {
    upload([...sampleCsv({ rows: 12 })].join(''));
    const run = createRun();
    await importFile(run, 'slow', 60);
    expect(run.reports.length).toBeGreaterThan(4);
  });

  it('asks for the file again when it is no longer there', async () => {
    expect(await failureOf(importFile(createRun()))).toMatchObject({ code: 'upload_gone', retryable: false });
  });
});
