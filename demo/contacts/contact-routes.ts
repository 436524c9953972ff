/** `GET /contacts`: the owner's contacts, a page at a time. `POST /reports`: exports them. */

import { type Request, Router } from 'express';
import type { TaskServer } from 'inloop/server';
import type { DemoDatabase } from '../database/database.ts';
import type { FileRecords } from '../database/file-records.ts';
import { refusal } from '../refusal.ts';
import { requireUser } from '../session/session.ts';
import { exportContacts } from '../tasks.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;

/** Query: `limit` (1 to 100, default 50) and `cursor`. Answer: `{contacts, total, nextCursor}`, in the order of the e-mail addresses. */
export function createContactsRouter(db: DemoDatabase): Router {
  const router = Router();
  router.get('/', (req, res) => {
    const owner = requireUser(req);
    const page = db.readContacts(owner, readLimit(req), readCursor(req));
    const nextCursor = page.next === null ? null : Buffer.from(page.next).toString('base64url');
    res.set('Cache-Control', 'no-store').json({ contacts: page.contacts, total: page.total, nextCursor });
  });
  return router;
}

/** Header: `Idempotency-Key`. Answers 202 with the task. */
export function createReportsRouter(
  tasks: Pick<TaskServer, 'start' | 'accepted'>,
  files: Pick<FileRecords, 'requireRoom'>,
): Router {
  const router = Router();
  router.post('/', async (req, res) => {
    const owner = requireUser(req);
    // How large the export will be is not known yet. It is refused only if the owner's files take more than the limit already.
    files.requireRoom(owner, 'download', 0);
    const key = req.get('Idempotency-Key');
    tasks.accepted(res, await tasks.start(exportContacts, {}, { owner, ...(key ? { idempotencyKey: key } : {}) }));
  });
  return router;
}

function readLimit(req: Request): number {
  const { limit } = req.query;
  if (limit === undefined) return DEFAULT_LIMIT;
  const value = typeof limit === 'string' && /^\d{1,3}$/.test(limit) ? Number(limit) : 0;
  if (value >= 1 && value <= MAX_LIMIT) return value;
  throw refusal('bad_limit', 400, `limit must be a whole number from 1 to ${MAX_LIMIT}.`);
}

function readCursor(req: Request): string {
  const { cursor } = req.query;
  if (cursor === undefined) return '';
  if (typeof cursor === 'string' && /^[\w-]{1,2000}$/.test(cursor)) return Buffer.from(cursor, 'base64url').toString();
  throw refusal('bad_cursor', 400, 'cursor must be a nextCursor of an earlier answer.');
}
