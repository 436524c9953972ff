/**
 * Lets only one tab of a browser tell the user of an outcome: the tab that claims the outcome's id first. The claimed ids
 * are kept in the storage that all tabs share, and are changed under a lock.
 */

import { findStorage, readText, type SharedStorage, writeText } from '../storage.ts';
import { CLAIMS_KEPT, STORAGE_LAG } from './limits.ts';

/** What the tabs of a browser share. */
export interface ClaimOptions {
  /** Default: `localStorage`, or nothing where there is none. */
  readonly storage?: SharedStorage | null;
  /** Default: Web Locks, or none where there are none. Without locks, two tabs may claim an id at the same moment. */
  readonly locks?: Pick<LockManager, 'request'> | null;
}

/** Claims `ids` under `key`. Returns those that no tab had claimed before. */
export async function claimIds(
  key: string,
  ids: readonly string[],
  options: ClaimOptions = {},
): Promise<ReadonlySet<string>> {
  const { storage = findStorage(), locks = globalThis.navigator?.locks ?? null } = options;
  const take = () => {
    const before = readIds(key, storage);
    const fresh = ids.filter((id) => !before.includes(id));
    // Where the storage is full or forbidden, this tab remembers for itself only.
    if (fresh.length > 0) writeText(storage, key, JSON.stringify([...before, ...fresh].slice(-CLAIMS_KEPT)));
    return new Set(fresh);
  };
  if (!locks) return take();
  try {
    return await new Promise((resolve, reject) => {
      const hold = async () => {
        resolve(take());
        // Keeps the lock until the process of the next tab sees what was written.
        if (options.storage === undefined) await new Promise((done) => setTimeout(done, STORAGE_LAG));
      };
      locks.request(key, hold).catch(reject);
    });
  } catch {
    // The page is going away, or locks are not allowed here (an opaque origin).
    return take();
  }
}

function readIds(key: string, storage: SharedStorage | null): string[] {
  try {
    const ids: unknown = JSON.parse(readText(storage, key) ?? '[]');
    return Array.isArray(ids) ? ids : [];
  } catch {
    return [];
  }
}
