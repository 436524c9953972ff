/**
 * Claims among the tabs of a browser: of all that would tell the user something, one does. The ids that were claimed
 * are kept in the storage that the tabs share, and changed under a lock.
 */

/** More than any inbox holds that a person looks at; about 11 KB of storage. */
const MOST_IDS = 300;

/** Where the storage keeps whether the user wants system notifications. */
export const NOTIFY_KEY = 'inloop:notify';

/** How late the storage may be in another process, in milliseconds: a guess on the safe side. */
const STORAGE_LAG = 100;

/** What the tabs of a browser share. */
export interface ClaimOptions {
  /** Default: `localStorage`, or nothing where there is none. */
  readonly storage?: Pick<Storage, 'getItem' | 'setItem'> | null;
  /** Default: Web Locks, or none where there are none; then two tabs may both claim in one instant. */
  readonly locks?: Pick<LockManager, 'request'> | null;
}

/** Which of `ids` nobody has claimed under `key`; from now on, we have. */
export async function claimIds(
  key: string,
  ids: readonly string[],
  options: ClaimOptions = {},
): Promise<ReadonlySet<string>> {
  const { storage = findStorage(), locks = globalThis.navigator?.locks ?? null } = options;
  const take = () => {
    const before = readIds(key, storage);
    const fresh = ids.filter((id) => !before.includes(id));
    if (fresh.length > 0) writeIds(key, [...before, ...fresh].slice(-MOST_IDS), storage);
    return new Set(fresh);
  };
  if (!locks) return take();
  try {
    return await new Promise((resolve, reject) => {
      const hold = async () => {
        resolve(take());
        // Tabs in different processes see each other's storage a moment late; the next one is let in after that.
        if (options.storage === undefined) await new Promise((done) => setTimeout(done, STORAGE_LAG));
      };
      locks.request(key, hold).catch(reject);
    });
  } catch {
    // The page is going away, or locks are not allowed here (an opaque origin).
    return take();
  }
}

function readIds(key: string, storage: ClaimOptions['storage']): string[] {
  try {
    const ids: unknown = JSON.parse(storage?.getItem(key) ?? '[]');
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}

function writeIds(key: string, ids: readonly string[], storage: ClaimOptions['storage']): void {
  try {
    storage?.setItem(key, JSON.stringify(ids));
  } catch {
    // Full or forbidden: then this tab remembers for itself.
  }
}

/** `localStorage`, where the page may use it. */
export function findStorage(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
