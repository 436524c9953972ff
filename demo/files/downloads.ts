/** Sends the files that tasks made. Users who do not own a file get the same 404 as for a file that does not exist. */

import { type RequestHandler, Router } from 'express';
import type { TaskError } from 'inloop';
import type { DemoDatabase } from '../database/database.ts';
import { refusal } from '../refusal.ts';
import { requireUser } from '../session/session.ts';
import type { DataFolder, DownloadKind } from './data-folder.ts';

/** `GET /imports/:taskId/rejects` and `GET /reports/:taskId/file`, as CSV. */
export function createDownloadsRouter(db: DemoDatabase, folder: DataFolder): Router {
  const router = Router();
  const send =
    (kind: DownloadKind): RequestHandler<{ taskId: string }> =>
    (req, res, next) => {
      const { taskId } = req.params;
      const filename = db.findDownload(kind, taskId, requireUser(req));
      if (filename === null) throw notFound();
      res.set('Cache-Control', 'private, no-store');
      // Express refuses paths with hidden folders. With `root` it checks only the name below it, so DATA_DIR may be inside
      // `.inloop`.
      res.download(
        folder.downloadName(kind, taskId),
        filename,
        { root: folder.downloads, cacheControl: false },
        (error) => {
          if (!error) return;
          if (res.headersSent) return res.destroy();
          res.removeHeader('Content-Disposition');
          next((error as { status?: number }).status === 404 ? notFound() : error);
        },
      );
    };
  router.get('/imports/:taskId/rejects', send('rejects'));
  router.get('/reports/:taskId/file', send('report'));
  return router;
}

function notFound(): TaskError {
  return refusal('no_such_file', 404, 'There is no such file, or it is no longer kept.');
}
