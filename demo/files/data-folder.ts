/** Where files are in DATA_DIR, which server and worker share. The ids in paths have hex digits and hyphens only. */

import { chmodSync, mkdirSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Kinds of file that a task makes for its owner to download. */
export type DownloadKind = 'rejects' | 'report';

export interface DataFolder {
  readonly root: string;
  /** The SQLite database. */
  readonly database: string;
  /** Folder of the uploads that arrive or wait for their import. */
  readonly uploads: string;
  /** Folder of the downloads. */
  readonly downloads: string;
  /** @throws RangeError if an id has other characters than hex digits and hyphens, as `downloadName` does */
  uploadPath(uploadId: string): string;
  /** The name of a download inside {@link downloads}. */
  downloadName(kind: DownloadKind, taskId: string): string;
  /** @param name what {@link downloadName} gives */
  downloadPath(name: string): string;
  /** Removes files last written before `before`. Returns how many. */
  sweep(before: Date): Promise<number>;
}

/** Opens `root`; creates it and its folders if they are missing. */
export function openDataFolder(root: string): DataFolder {
  const uploads = join(root, 'uploads');
  const downloads = join(root, 'downloads');
  // The files hold people's addresses, so other users of the machine must not read them.
  for (const folder of [uploads, downloads]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // mkdir does not change the mode of a folder that exists already.
    chmodSync(folder, 0o700);
  }
  return {
    root,
    database: join(root, 'demo.db'),
    uploads,
    downloads,
    uploadPath: (uploadId) => join(uploads, `${assertId(uploadId)}.csv`),
    downloadName: (kind, taskId) => `${kind}-${assertId(taskId)}.csv`,
    downloadPath: (name) => join(downloads, name),
    async sweep(before) {
      let removed = 0;
      for (const folder of [uploads, downloads]) {
        for (const name of await readdir(folder)) {
          const path = join(folder, name);
          const info = await stat(path).catch(() => null);
          if (info === null || info.mtime >= before) continue;
          await rm(path, { force: true });
          removed++;
        }
      }
      return removed;
    },
  };
}

function assertId(id: string): string {
  if (/^[0-9a-f-]{1,64}$/i.test(id)) return id;
  throw new RangeError('An id that names a file may hold hex digits and hyphens only.');
}
