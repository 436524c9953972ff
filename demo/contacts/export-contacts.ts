/** The export: runs in the worker and writes the owner's contacts to a CSV file, page by page. */

import { statSync } from 'node:fs';
import type { ResultOf } from 'inloop';
import { createCsvWriter } from '../csv/write-csv.ts';
import type { DemoDatabase } from '../database/database.ts';
import type { DataFolder } from '../files/data-folder.ts';
import type { exportContacts } from '../tasks.ts';
import type { TaskRun } from './task-run.ts';

const PAGE_ROWS = 500;

/** The handler of `export-contacts`. When it runs again, it replaces the file. */
export function createExportHandler({ db, folder }: { readonly db: DemoDatabase; readonly folder: DataFolder }) {
  return async (_input: unknown, task: TaskRun): Promise<ResultOf<typeof exportContacts>> => {
    const name = folder.downloadName('report', task.id);
    const path = folder.downloadPath(name);
    const writer = createCsvWriter(path, ['name', 'email', 'company', 'phone']);
    try {
      let exported = 0;
      for (let next: string | null = ''; next !== null; ) {
        task.signal.throwIfAborted();
        const page = db.readContacts(task.owner, PAGE_ROWS, next);
        await writer.write(page.contacts.map(({ name, email, company, phone }) => [name, email, company, phone]));
        exported += page.contacts.length;
        task.progress({ done: exported, total: page.total });
        next = page.next;
      }
      await writer.commit();
      db.files.note(name, 'download', task.owner, statSync(path).size);
      db.addDownload('report', task.id, task.owner, 'contacts.csv');
      return { exported, downloadUrl: `/reports/${task.id}/file` };
    } catch (error) {
      await writer.discard();
      throw error;
    }
  };
}
