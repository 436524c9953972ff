/** The answer to a request that has started a task. It serves the router, and an application's own routes. */

import type { Response } from 'express';
import { isFinished, type Snapshot } from '../../core/tasks/snapshot.ts';

/** How often a client without push should ask about an active task, in seconds. */
export const POLL_AFTER_S = 2;

/** Answers 202 with `Retry-After`, the snapshot, and its `Location` below `path`. */
export function sendAccepted(res: Response, task: Snapshot, path: string): void {
  // Without res.json(), which hashes an ETag that nobody needs: about a tenth of what a request costs (decision 12).
  const body = JSON.stringify(task);
  res.statusCode = 202;
  res.setHeader('Location', `${path}/${task.id}`);
  if (!isFinished(task)) res.setHeader('Retry-After', String(POLL_AFTER_S));
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}
