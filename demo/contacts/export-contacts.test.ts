import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { openTempData, type TempData } from '../testing/temp-folder.ts';
import { createExportHandler } from './export-contacts.ts';
import type { TaskRun } from './task-run.ts';

const TASK = '0190a000-0000-7000-8000-000000000001';

let data: TempData;
beforeEach(() => {
  data = openTempData();
});
afterEach(() => data.remove());

const run: TaskRun = {
  id: TASK,
  owner: 'ada',
  signal: new AbortController().signal,
  stage: () => {},
  progress: () => {},
};

describe('an export', () => {
  it('writes every contact of its owner, and no formula that a spreadsheet would run', async () => {
    const contacts = Array.from({ length: 1_203 }, (_, i) => ({
      email: `p${String(i).padStart(4, '0')}@example.com`,
      name: i === 0 ? '=HYPERLINK("https://evil.example")' : 'Ø, "x"\ny',
      company: '',
      phone: '+49 30 1',
    }));
    data.db.saveContacts('ada', contacts);
    data.db.saveContacts('bob', [{ email: 'secret@example.com', name: '', company: '', phone: '' }]);
    const result = await createExportHandler(data)({}, run);
    expect(result).toEqual({ exported: 1_203, downloadUrl: `/reports/${TASK}/file` });
    expect(data.db.findDownload('report', TASK, 'ada')).toBe('contacts.csv');
    const rows = parse(readFileSync(data.folder.downloadPath(`report-${TASK}.csv`)), { bom: true });
    expect(rows).toHaveLength(1_204);
    expect(rows[1]).toEqual([`'=HYPERLINK("https://evil.example")`, 'p0000@example.com', '', "'+49 30 1"]);
    expect(rows[2]).toEqual(['Ø, "x"\ny', 'p0001@example.com', '', "'+49 30 1"]);
  });

  it.each(['\n', '\r', '\r\n'])('keeps what follows %j in a name in the same cell', async (lineBreak) => {
    const name = `Ada${lineBreak}=1+1`;
    data.db.saveContacts('ada', [{ email: 'ada@example.com', name, company: '', phone: '' }]);
    await createExportHandler(data)({}, run);
    const text = readFileSync(data.folder.downloadPath(`report-${TASK}.csv`), 'utf8');
    expect(text.split('\r\n').slice(1).join('\r\n')).toBe(`"Ada${lineBreak}'=1+1",ada@example.com,,\r\n`);
  });

  it('leaves no file behind when its signal is aborted', async () => {
    const signal = AbortSignal.abort(new Error('called off'));
    await expect(createExportHandler(data)({}, { ...run, signal })).rejects.toThrow('called off');
    expect(readdirSync(data.folder.downloads)).toEqual([]);
  });
});
