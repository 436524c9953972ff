/** `POST /imports`: takes a CSV, answers 202 with the task that will import it. */

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type Request, type RequestHandler, Router } from 'express';
import { TaskError } from 'inloop';
import type { TaskServer } from 'inloop/server';
import multer from 'multer';
import type { DemoDatabase } from '../database/database.ts';
import type { DataFolder } from '../files/data-folder.ts';
import { refusal } from '../refusal.ts';
import { requireUser } from '../session/session.ts';
import { importContacts, MAX_FILENAME_LENGTH, paceSchema } from '../tasks.ts';
import { inspectUpload } from './inspect-upload.ts';
import { explainUploadErrors, limitUpload } from './upload-errors.ts';
import { createUploadStorage } from './upload-storage.ts';

/** Most uploads of one user that arrive at the same time. */
const MAX_ARRIVING = 10;
const NO_FILE = 'Expected multipart/form-data with a CSV file in the field "file", got no file.';

export interface ImportRoutesOptions {
  readonly tasks: Pick<TaskServer, 'start' | 'accepted'>;
  readonly db: DemoDatabase;
  readonly folder: DataFolder;
  /** Largest file, in bytes; a larger one is refused while it is read. */
  readonly maxUploadBytes: number;
}

/** Form fields: `file` (the CSV) and `pace` (`full`, the default, or `slow`). Header: `Idempotency-Key`. */
export function createImportRouter({ tasks, db, folder, maxUploadBytes }: ImportRoutesOptions): Router {
  const upload = multer({
    storage: createUploadStorage(folder.uploads, maxUploadBytes),
    // The form has a file and a short field. A few fields more do no harm.
    limits: { files: 1, fields: 10, fieldSize: 1_000, parts: 12 },
    // Without this, multer reads file names as Latin-1.
    defParamCharset: 'utf8',
  });
  const router = Router();
  // This runs before the body is read, so that nothing is written for somebody who is not signed in, or has too many uploads.
  router.use(limitArriving(db));
  router.post('/', limitUpload(maxUploadBytes), upload.single('file'), async (req, res) => {
    const owner = requireUser(req);
    const { file } = req;
    if (!file) throw refusal('no_file', req.is('multipart/form-data') ? 400 : 415, NO_FILE);
    try {
      const pace = readPace(req);
      const key = req.get('Idempotency-Key');
      await inspectUpload(file.path);
      db.files.requireRoom(owner, 'upload', file.size);
      const uploadId = key ? await deriveId(owner, key, file.path) : randomBytes(16).toString('hex');
      const filename = cleanName(file.originalname);
      const isNew = db.addUpload(uploadId);
      if (isNew) {
        db.files.note(uploadId, 'upload', owner, file.size);
        await rename(file.path, folder.uploadPath(uploadId));
      }
      try {
        const input = { uploadId, filename, pace };
        const task = await tasks.start(importContacts, input, { owner, ...(key ? { idempotencyKey: key } : {}) });
        tasks.accepted(res, task);
      } catch (error) {
        // After a 5xx the task may still be stored, by a write that came late. It would then need its file.
        if (isNew && error instanceof TaskError && error.status < 500) {
          db.removeUpload(uploadId);
          await rm(folder.uploadPath(uploadId), { force: true });
        }
        throw error;
      }
    } finally {
      await rm(file.path, { force: true });
    }
  });
  router.use(explainUploadErrors(maxUploadBytes));
  return router;
}

/** Lets a signed-in user send at most `MAX_ARRIVING` uploads at the same time, and none while their files take too much room. */
function limitArriving({ files }: Pick<DemoDatabase, 'files'>): RequestHandler {
  /** By owner: how many uploads are arriving. */
  const arriving = new Map<string, number>();
  return (req, res, next) => {
    const owner = requireUser(req);
    if (req.method !== 'POST') return next();
    const count = arriving.get(owner) ?? 0;
    if (count >= MAX_ARRIVING) throw tooManyAtOnce();
    files.requireRoom(owner, 'upload', 0);
    arriving.set(owner, count + 1);
    res.once('close', () => {
      const left = (arriving.get(owner) ?? 1) - 1;
      if (left > 0) arriving.set(owner, left);
      else arriving.delete(owner);
    });
    next();
  };
}

function tooManyAtOnce(): TaskError {
  return new TaskError(
    'too_many_uploads',
    `${MAX_ARRIVING} of your files are arriving at this moment, and no more may. Send this one when they have arrived.`,
    { retryable: true, status: 429, retryAfter: 5 },
  );
}

function readPace(req: Request) {
  const given: unknown = req.body?.pace;
  const pace = paceSchema.safeParse(given ?? 'full');
  if (pace.success) return pace.data;
  throw refusal('bad_pace', 422, 'The field "pace" must be "full" or "slow".');
}

/**
 * The same Idempotency-Key with the same file must give the same task, so the id is derived from both. Another file gives
 * another id, which the task server refuses as a different input.
 */
async function deriveId(owner: string, key: string, path: string): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([owner, key]));
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex').slice(0, 32);
}

/** The last part of a path, at most 120 characters, without those that control or change the direction of text. */
function cleanName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const clean = [...last.replace(/[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/gu, '').trim()].slice(0, 120).join('');
  // The schema counts UTF-16 code units. An emoji has two, and half of one is left out.
  return clean === '' ? 'contacts.csv' : clean.slice(0, MAX_FILENAME_LENGTH).replace(/\p{Cs}$/u, '');
}
