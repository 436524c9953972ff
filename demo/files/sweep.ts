/**
 * Removes files and records older than 7 days. inloop keeps finished tasks for 7 days, too. An import that has waited for so long
 * fails with `upload_gone`.
 */

import type { DemoDatabase } from '../database/database.ts';
import type { DataFolder } from './data-folder.ts';

const KEEP_MS = 7 * 24 * 60 * 60 * 1000;
const EVERY_MS = 60 * 60 * 1000;

/** Sweeps now and every hour. Errors are logged; the next sweep tries again. Returns a function that stops it. */
export function startSweeping(folder: DataFolder, db: DemoDatabase): () => void {
  let isStopped = false;
  const sweep = async () => {
    const before = new Date(Date.now() - KEEP_MS);
    try {
      const removed = await folder.sweep(before);
      // If it was stopped meanwhile, the database may be closed.
      if (isStopped) return;
      db.removeBefore(before);
      if (removed > 0) console.log(`worker: files removed because they were older than 7 days: ${removed}`);
    } catch (error) {
      console.error('worker: could not remove old files', error);
    }
  };
  void sweep();
  const timer = setInterval(sweep, EVERY_MS);
  timer.unref();
  return () => {
    isStopped = true;
    clearInterval(timer);
  };
}
