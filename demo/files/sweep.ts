/** Removes files that no task needs any more. As old as that, inloop has forgotten their tasks too. */

import type { DemoDatabase } from '../contacts/database.ts';
import type { DataFolder } from './data-folder.ts';

const KEEP_MS = 7 * 24 * 60 * 60 * 1000;
const EVERY_MS = 60 * 60 * 1000;

/** Sweeps now and every hour; returns a function that stops it. What goes wrong is logged and tried again. */
export function startSweeping(folder: DataFolder, db: DemoDatabase): () => void {
  let isStopped = false;
  const sweep = async () => {
    const before = new Date(Date.now() - KEEP_MS);
    try {
      const removed = await folder.sweep(before);
      // The database is closed soon after this was stopped.
      if (isStopped) return;
      db.forget(before);
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
