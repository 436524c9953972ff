/** The storage that all tabs of an origin share. The only file that reads and writes `localStorage`, except `debug.ts`. */

/** The part of `localStorage` that inloop uses. */
export type SharedStorage = Pick<Storage, 'getItem' | 'setItem'>;

/** The key of the user's wish for system notifications: 'on', or ''. */
export const NOTIFY_KEY = 'inloop:notify';

/** `localStorage`, or null where there is none or the browser refuses it (blocked cookies, an opaque origin). */
export function findStorage(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/** What `storage` holds under `key`, or null where it holds nothing or cannot be read. */
export function readText(storage: SharedStorage | null, key: string): string | null {
  try {
    return storage?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

/** Stores `text` under `key`. Does nothing where the storage is full or forbidden. */
export function writeText(storage: SharedStorage | null, key: string, text: string): void {
  try {
    storage?.setItem(key, text);
  } catch {
    // Every caller works without a storage, and says how.
  }
}
