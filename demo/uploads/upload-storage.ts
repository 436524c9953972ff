/**
 * Stores an upload on disk, and removes it if it does not arrive completely.
 *
 * multer's own storage leaves a file on disk for ever in one case: the file is over the limit, and the browser disconnects
 * before it has sent the rest.
 */

import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import multer, { type StorageEngine } from 'multer';
import { CsvLimit } from '../csv/limit-csv.ts';
import { removeUnfinished } from '../files/remove-file.ts';

/** Keeps CSV files of at most `maxBytes` in `folder`, under random names that end in `.part`. */
export function createUploadStorage(folder: string, maxBytes: number): StorageEngine {
  return {
    _handleFile(_req, file, done) {
      const path = join(folder, `${randomBytes(16).toString('hex')}.part`);
      let size = 0;
      const csv = new CsvLimit();
      const limit = new Transform({
        transform(chunk: Buffer, _encoding, next) {
          size += chunk.length;
          try {
            if (size > maxBytes) throw new multer.MulterError('LIMIT_FILE_SIZE');
            csv.take(chunk);
            next(null, chunk);
          } catch (error) {
            next(error as Error);
          }
        },
      });
      const disk = createWriteStream(path, { mode: 0o600 });
      pipeline(file.stream, limit, disk).then(
        () => done(null, { path, size }),
        (error: unknown) => void removeUnfinished(disk).finally(() => done(error)),
      );
    },
    _removeFile(_req, file, done) {
      rm(file.path, { force: true }).then(() => done(null), done);
    },
  };
}
