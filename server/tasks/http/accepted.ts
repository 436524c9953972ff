/** The 202 answer to a start, a retry or a cancel. It serves the router, and an application's own routes. */

import type { Response } from 'express';
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';

/** How often a client without push should ask about an active task, in seconds. */
const POLL_AFTER_S = 2;
/** The longest pause for a task that starts later, in seconds. Somebody may cancel it before its time has come. */
const LONGEST_POLL_S = 60;

/** The `Retry-After` for an active task: when to ask again, in seconds. @param now ISO 8601 */
export function retryAfterOf(task: Snapshot, now: string): string {
  const startsAt = task.status === 'queued' ? (task.startsAt ?? now) : now;
  const seconds = Math.ceil((Date.parse(startsAt) - Date.parse(now)) / 1_000);
  return String(Math.min(Math.max(seconds, POLL_AFTER_S), LONGEST_POLL_S));
}

/** Answers 202 with `Retry-After`, the snapshot, and its `Location` below `path`. */
export function sendAccepted(res: Response, task: Snapshot, path: string): void {
  // Without res.json(), which hashes the body for an ETag that nobody needs: about a tenth of a request's cost (decision 12).
  const body = JSON.stringify(task);
  res.statusCode = 202;
  res.setHeader('Location', `${path}/${task.id}`);
  if (!isFinished(task)) res.setHeader('Retry-After', retryAfterOf(task, task.updatedAt));
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}
